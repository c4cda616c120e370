"""An apply that waits is either confirmed or taken back, never both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.processes import FakeProcesses
from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError
from reconciler.model.generation import Confirmation
from reconciler.ports import lockfile
from reconciler.ports.files import RealFiles
from reconciler.state.confirmation import (
    Waiting,
    amend,
    answer,
    describe_waiting,
    forget,
    is_applying,
    is_watched,
    read,
    write,
)


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(str(tmp_path), RealFiles(), FakeProcesses())


@pytest.fixture
def seven(waiting: Waiting) -> Confirmation:
    """The seventh generation, which waits; its apply is over, its watchdog lives."""
    pid = waiting.processes.spawn()
    found = Confirmation(
        id="a1",
        generation=7,
        back_to=6,
        within=60,
        deadline="2026-11-25T12:00:00Z",
        boot_id=lockfile.current_namespace().boot,
        apply_pid=1,
        apply_started=1,
        watchdog_pid=pid,
        watchdog_started=pid * 100,
    )
    write(waiting, found)
    return found


def test_what_waits_is_told_until_somebody_answers(waiting: Waiting, seven: Confirmation) -> None:
    assert read(waiting) == seven
    assert "waits for its confirmation until 2026-11-25T12:00:00Z" in describe_waiting(waiting)[0].summary
    assert answer(waiting) == seven
    assert (read(waiting), describe_waiting(waiting), answer(waiting)) == (None, (), None)


def test_who_has_expired_stays_until_it_is_taken_back(waiting: Waiting, seven: Confirmation) -> None:
    assert amend(waiting, replace(seven, expired=True))
    assert answer(waiting).expired
    assert "generation 6 is being restored" in describe_waiting(waiting)[0].detail
    forget(waiting)
    assert read(waiting) is None


def test_a_confirmed_one_does_not_expire(waiting: Waiting, seven: Confirmation) -> None:
    answer(waiting)
    assert not amend(waiting, replace(seven, expired=True))
    assert read(waiting) is None


def test_another_apply_is_not_mistaken_for_the_one_that_waited(waiting: Waiting, seven: Confirmation) -> None:
    write(waiting, replace(seven, id="b2", generation=8))
    assert not amend(waiting, replace(seven, expired=True))
    assert read(waiting).generation == 8


def test_of_an_answer_and_the_end_of_the_time_only_one_counts(waiting: Waiting, seven: Confirmation) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            write(waiting, seven)
            answered = pool.submit(answer, waiting)
            expired = pool.submit(amend, waiting, replace(seven, expired=True))
            assert answered.result().expired is expired.result()


@pytest.mark.parametrize(
    ("change", "watched"),
    [({}, True), ({"watchdog_started": 1}, False), ({"boot_id": "earlier"}, False), ({"watchdog_pid": 0}, False)],
)
def test_a_watchdog_of_another_boot_or_with_a_used_pid_watches_no_more(
    waiting: Waiting, seven: Confirmation, change: dict[str, object], watched: bool
) -> None:
    changed = replace(seven, **change)
    write(waiting, changed)

    assert is_watched(changed, waiting.processes) is watched
    assert not is_applying(changed, waiting.processes)
    assert ("no process will roll it back" in describe_waiting(waiting)[0].summary) is not watched


def test_one_that_could_not_be_taken_back_wholly_names_the_log(waiting: Waiting, seven: Confirmation) -> None:
    write(waiting, replace(seven, expired=True, watchdog_pid=0))
    [said] = describe_waiting(waiting)
    assert "its rollback is not complete" in said.summary
    assert waiting.log in said.detail
    assert "reconciler rollback 6" in said.fix


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"id": 1}'])
def test_what_cannot_be_understood_is_an_error(waiting: Waiting, damage: str) -> None:
    Path(waiting.path).write_text(damage)
    with pytest.raises(ReconcilerError, match="is damaged"):
        read(waiting)
    assert describe_waiting(waiting)[0].severity == "error"
