"""What was done to an agent can be read back, whatever happened to the file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from reconciler.model.errors import ReconcilerError
from reconciler.state.history import HistoryEntry, append, read

STARTED = HistoryEntry("2026-11-21T10:00:00Z", "agent.site.claude", "site-creator-claude", "create", "declared", "b3a7")
RESUMED = HistoryEntry(
    "2026-11-21T11:00:00Z", "agent.site.claude", "site-creator-claude", "resume", "session_gone", "b3a7"
)
OTHER = HistoryEntry("2026-11-21T11:00:00Z", "agent.site.review", "site-reviewer-review", "create")


def test_entries_come_back_oldest_first_and_only_those_of_the_address(tmp_path: Path) -> None:
    path = str(tmp_path / "history.jsonl")
    append(path, [STARTED, OTHER])
    append(path, [RESUMED])

    assert list(read(path, "agent.site.claude")) == [STARTED, RESUMED]


def test_without_a_file_there_is_no_history(tmp_path: Path) -> None:
    assert list(read(str(tmp_path / "none.jsonl"), "agent.site.claude")) == []


def test_a_damaged_line_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append(str(path), [STARTED])
    with path.open("a") as file:
        file.write('{"half a li\n[1]\n{"unknown": 1}\n')
    append(str(path), [RESUMED])

    assert list(read(str(path), "agent.site.claude")) == [STARTED, RESUMED]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append(str(path), [STARTED])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_to_add_makes_no_file(tmp_path: Path) -> None:
    append(str(tmp_path / "history.jsonl"), [])

    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match="history cannot be written"):
        append(str(tmp_path), [STARTED])
