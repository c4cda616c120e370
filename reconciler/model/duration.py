"""Durations, as a user writes them."""

from __future__ import annotations

import re

from .errors import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_LONGEST = 100 * 365 * 86400.0  # seconds; more would overflow dates, and means "never" anyway
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


def seconds(text: str) -> float:
    """The seconds in `30s`, `5m` or `2` (seconds), at most a century. Raises UsageError for any other text."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a duration", fix="write it as 30s, 5m, 1h or 30d")
    return min(float(found[1]) * _UNITS[found[2]], _LONGEST)
