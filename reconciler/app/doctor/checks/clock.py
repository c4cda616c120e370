"""The clock: what was written in the future shows that it, or another one, is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from reconciler.app.doctor.facts import MachineFacts
from reconciler.model.checkup import CheckName, CheckResult
from reconciler.model.moment import to_second

from .results import counted, ok, some, warning

_SKEW = timedelta(seconds=5)  # what the monitor allows for, too
_FIX = "correct the clock of this machine: timedatectl; on another machine, that one's"


def clock(facts: MachineFacts) -> Iterator[CheckResult]:
    """Times of the registry, and of the file system."""
    found = facts.clock
    rows, files = _ahead(found.rows, found.now), _ahead(found.files, found.now)
    if rows:
        latest = to_second(max(rows.values()))
        summary = f"{counted(len(rows), 'row')} of the registry with a time in the future, up to {latest}"
        yield warning(CheckName.CLOCK_ROWS, summary, f"it is {to_second(found.now)}; {some(sorted(rows))}", _FIX)
    if files:
        summary = f"files with a time in the future: {some(sorted(files))}"
        detail = f"it is {to_second(found.now)}; the file system says {to_second(max(files.values()))}"
        yield warning(CheckName.CLOCK_FILES, summary, detail, _FIX)
    if not (rows or files):
        yield ok(CheckName.CLOCK_ROWS, f"nothing was written in the future (it is {to_second(found.now)})")


def _ahead(times: Mapping[str, datetime], now: datetime) -> Mapping[str, datetime]:
    return {name: moment for name, moment in times.items() if moment > now + _SKEW}
