"""What `answer` and `send` leave is deleted by age and by count, and never what is in use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.jobs.asking_marks import AskingMarks, asks_anew
from reconciler.jobs.old_files import KeptFiles, outdated, prune_prompts, prune_requests
from reconciler.ports import lockfile
from reconciler.ports.files import RealFiles

DAY = 86400.0
NOW = datetime(2026, 1, 31, tzinfo=UTC)


@dataclass
class Clock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Place:
    files: Any
    clock: Any


WORLD: Any = Place(RealFiles(), Clock())


def written(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    at = NOW.timestamp() - days * DAY
    os.utime(path, (at, at))
    return path


@pytest.mark.parametrize(
    ("days", "count", "deleted"),
    [
        ([0, 2, 8], 100, ["2"]),  # too old
        ([0, 2, 3], 1, ["2", "1"]),  # too many
        ([0, 0.5, 0.9], 1, []),  # too many, but of today
        ([], 1, []),
    ],
)
def test_what_is_old_and_what_is_too_much_is_deleted(days: list[float], count: int, deleted: list[str]) -> None:
    changed = [(str(place), NOW.timestamp() - day * DAY) for place, day in enumerate(days)]
    assert outdated(changed, NOW.timestamp(), KeptFiles(count=count)) == deleted


def test_old_prompts_go_and_nothing_else_does(tmp_path: Path) -> None:
    old, new = written(tmp_path / "prompt-1.md", 8), written(tmp_path / "prompt-2.md", 1)
    other = written(tmp_path / "notes.md", 800)
    prune_prompts(str(tmp_path), WORLD)
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)
    prune_prompts(str(tmp_path / "missing"), WORLD)


def test_requests_of_an_agent_that_lives_stay_unless_each_is_old(tmp_path: Path) -> None:
    ended, lives = tmp_path / "ended", tmp_path / "lives"
    for life in (ended, lives):
        written(life / "a.shown", 30)
        written(life / "a.answer", 30)
    shown, answer = written(lives / "b.shown", 30), written(lives / "b.answer", 1)
    log = written(tmp_path / "events.jsonl", 300)
    prune_requests(str(tmp_path), {"lives"}, WORLD)
    assert not ended.exists()
    assert not (lives / "a.shown").exists()
    assert not (lives / "a.answer").exists()
    assert shown.exists()  # its answer is new, so both belong to what is new
    assert answer.exists()
    assert log.exists()


def test_a_folder_in_which_another_process_works_stays(tmp_path: Path) -> None:
    shown = written(tmp_path / "ended" / "a.shown", 30)
    with lockfile.one_at_a_time(str(shown.parent)):
        prune_requests(str(tmp_path), set(), WORLD)
    assert shown.exists()
    prune_requests(str(tmp_path), set(), WORLD)
    assert not shown.exists()


@pytest.mark.parametrize(
    ("before", "now", "anew"),
    [
        (("1", "10"), ("1", "10"), False),
        (("1", "10"), ("2", "10"), False),  # one trace may change for another reason
        (("1", "10"), ("1", "20"), False),
        (("1", "10"), ("2", "20"), True),
        (("", "10"), ("", "20"), True),  # the only one that can be seen
        (("1", ""), ("2", ""), True),
        (("", "10"), ("2", ""), False),  # none can be compared
        (("", ""), ("", ""), False),
    ],
)
def test_an_asking_is_another_one_when_all_traces_are(
    before: tuple[str, str], now: tuple[str, str], anew: bool
) -> None:
    assert asks_anew(AskingMarks(*before), AskingMarks(*now)) is anew
