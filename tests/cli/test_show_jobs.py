"""What the job commands show when they are interrupted, and how much of it while jobs are followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.clock import FakeClock

from reconciler.app.jobs.events import FollowedJobs, ValidationStarted, WaitEvent
from reconciler.cli.show.jobs import waited
from reconciler.jobs.record import Records
from reconciler.ports.files import RealFiles


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(str(tmp_path), RealFiles(), FakeClock())


def interrupted(*events: WaitEvent, closed: list[bool]) -> Iterator[WaitEvent]:
    try:
        yield from events
        raise KeyboardInterrupt
    finally:
        closed.append(True)


@pytest.mark.parametrize(
    ("followed", "goes"), [(("a",), "The job continues"), (("a", "b"), "The jobs continue")], ids=["one", "two"]
)
def test_whoever_interrupts_learns_which_jobs_go_on(records, capsys, followed, goes):
    closed: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        waited(records, interrupted(FollowedJobs(followed), closed=closed), first=False, as_json=False)
    commands = [f"  reconciler job wait --job {each} --registry-dir {records.folder}" for each in followed]
    assert capsys.readouterr().err.splitlines() == ["", f"{goes}. Follow again with:", *commands]
    assert closed == [True]


def test_nothing_goes_on_once_nothing_is_followed(records, capsys):
    events = (FollowedJobs(("a",)), FollowedJobs(()), ValidationStarted("./check.sh"))
    with pytest.raises(KeyboardInterrupt):
        waited(records, interrupted(*events, closed=[]), first=False, as_json=False)
    assert capsys.readouterr().err.splitlines() == ["running validation: ./check.sh"]
