"""Versions of CLIs, and arguments that older versions do not know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.model.digits import number_in


def number(version: str) -> tuple[int, ...]:
    """The first three parts of a version as numbers, for comparing."""
    return tuple(number_in(part) or 0 for part in re.findall(r"\d+", version)[:3])


def version_in(output: str) -> str:
    """The version in the output of a CLI's `--version`; empty when there is none."""
    found = re.search(r"\d+\.\d+(?:\.\d+)*", output)
    return found[0] if found else ""


def without_newer(args: Sequence[str], since: Iterable[tuple[str, str]], version: str) -> tuple[str, ...]:
    """The arguments without the switches that this version is too old for; all of them if the version is unknown."""
    if not version:
        return tuple(args)
    unknown = {word for word, first in since if number(version) < number(first)}
    return tuple(arg for arg in args if arg not in unknown)
