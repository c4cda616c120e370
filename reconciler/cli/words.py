"""What words stand for: a form, a length of time, an address."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.errors import UsageError

if TYPE_CHECKING:
    from reconciler.model.address import Address

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_LONGEST = 100 * 365 * 86400.0  # seconds: what is longer is not told from it, and no calendar ends before it
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


class Form(StrEnum):
    """How a document is shown where it is not printed as JSON."""

    TEXT = "text"
    GITHUB = "github"


def seconds(text: str) -> float:
    """The length of time that `30s`, `5m` or `2` (seconds) stands for, a century at most; UsageError for all else."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a length of time", fix="write it as 30s, 5m, 1h or 30d")
    return min(float(found[1]) * _UNITS[found[2]], _LONGEST)


def addresses(texts: list[str] | None) -> tuple[Address, ...]:
    """The addresses that the words spell; UsageError names the first that is none."""
    return tuple(address(text) for text in texts or ())


def address(text: str) -> Address:
    """The address that the word spells, or UsageError."""
    from reconciler.model.address import parse_address

    found = parse_address(text)
    if found is None:
        raise UsageError(f"{text!r} is not an address", fix="write workspace.NAME, agent.WORKSPACE.NAME or broker.NAME")
    return found
