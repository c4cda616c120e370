"""Lengths of time, as a user writes them."""

from __future__ import annotations

import re

from .errors import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


def seconds(text: str) -> float:
    """The length of time that `30s`, `5m` or `2` (seconds) stands for; UsageError for anything else."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a length of time", fix="write it as 30s, 5m, 1h or 30d")
    return float(found[1]) * _UNITS[found[2]]
