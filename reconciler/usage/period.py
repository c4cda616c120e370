"""Parse the period in which answers are counted. Days begin and end at midnight, local time."""

from __future__ import annotations

import re

from msgspec import Struct

from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.moment import day_after, start_of_day

_ALL = "all"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPAN = re.compile(r"\d+(?:\.\d+)?[smhdw]")
_WEEK = 7


class Period(Struct, frozen=True):
    """From `since` to before `until`, in Unix seconds."""

    since: int
    until: int


def period(since: str, until: str, now: float) -> Period:
    """The period that the options name; `until` may be empty. Raises UsageError."""
    begin = 0 if since == _ALL else _time(since, now, "--since", end=False)
    end = _time(until, now, "--until", end=True) if until else int(now) + 1
    if end <= begin:
        raise UsageError(f"--until {until or 'now'} is not after --since {since}", fix="exchange them")
    return Period(begin, end)


def _time(text: str, now: float, option: str, *, end: bool) -> int:
    """A date, whose end is used if `end`, or a duration before now."""
    wrong = UsageError(
        f"{option} {text} is not a time", fix="write how long ago, such as 24h, 7d or 2w, or a date such as 2026-11-01"
    )
    if _DAY.fullmatch(text):
        found = day_after(text) if end else start_of_day(text)
        if found is None:
            raise wrong
        return found
    if not _SPAN.fullmatch(text):
        raise wrong
    ago = seconds(f"{float(text[:-1]) * _WEEK:f}d" if text.endswith("w") else text)
    return max(0, int(now - ago))
