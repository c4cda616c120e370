"""What the CLIs that choose their ids themselves let others see of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from clis import CODEX, OPENCODE
from real_project import AGENT, RealProject
from waiting import wait_until

PROMPT = "Remember the word larch."


def test_codex_holds_the_lock_of_its_conversation_open_in_a_child(project: RealProject):
    project.begin(CODEX)
    wait_until(lambda: len(_held_locks(project)) == 1)  # what it has just forked holds it, too, until it runs
    [(holder, lock)] = _held_locks(project)
    launcher = project.pane(AGENT).pid
    assert _parent(holder) == launcher
    assert CODEX.stored(project.home) == {}  # nothing before the first prompt but the lock
    project.ask(CODEX, PROMPT)
    [rollout] = project.places(CODEX, PROMPT)
    assert rollout.endswith(f"-{lock.stem}.jsonl")
    project.stop()
    assert project.processes() == []


def test_opencode_has_a_row_for_a_conversation_once_something_was_said(project: RealProject):
    project.begin(OPENCODE)
    assert _sessions(project) == []
    project.ask(OPENCODE, PROMPT)
    [conversation] = project.places(OPENCODE, PROMPT)
    assert _sessions(project) == [(conversation, str(project.folder), None)]
    project.stop()
    assert project.processes() == []


def _held_locks(project: RealProject) -> list[tuple[int, Path]]:
    """Which process holds which lock of a conversation open."""
    files = [(pid, file) for pid in project.processes() for file in _open_files(pid)]
    return [(pid, file) for pid, file in files if file.parent.name == "thread-writer-locks"]


def _open_files(pid: int) -> Iterator[Path]:
    with suppress(FileNotFoundError):  # closed, or ended, meanwhile
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            yield descriptor.readlink()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _sessions(project: RealProject) -> list[tuple[str, str, str | None]]:
    database = project.home / ".local/share/opencode/opencode.db"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT id, directory, parent_id FROM session").fetchall()
