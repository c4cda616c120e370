"""Versions of CLIs, and what the older ones of them do not understand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.model.digits import number_in


def number(version: str) -> tuple[int, ...]:
    """The first three parts of a version, to be compared."""
    return tuple(number_in(part) or 0 for part in re.findall(r"\d+", version)[:3])


def version_in(said: str) -> str:
    """The version in what a CLI says when it is asked for it; empty when there is none."""
    found = re.search(r"\d+\.\d+(?:\.\d+)*", said)
    return found[0] if found else ""


def understood(args: Sequence[str], since: Iterable[tuple[str, str]], version: str) -> tuple[str, ...]:
    """The arguments without the words that this version is too old for; all of them while the version is unknown."""
    if not version:
        return tuple(args)
    unknown = {word for word, first in since if number(version) < number(first)}
    return tuple(arg for arg in args if arg not in unknown)
