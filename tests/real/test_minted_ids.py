"""What the CLIs that choose their ids themselves let others see of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from clis import CODEX, OPENCODE
from real_project import AGENT, RealProject
from waiting import wait_until

PROMPT = "Remember the word larch."
ANOTHER = "Remember the word oak."
POINTER = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


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


def test_codex_is_followed_to_another_conversation_and_back(project: RealProject):
    """It keeps the lock of the last one for a minute, and takes that anew when it comes back."""
    project.begin(CODEX)
    project.ask(CODEX, PROMPT)
    project.run("refresh")
    old = project.identity()
    _turn(project, "/new", until=lambda: len(_held_locks(project)) == 2)
    assert project.agent()["conversation"] == old, "nothing was said in the new one"

    project.ask(CODEX, ANOTHER)
    [rollout] = project.places(CODEX, ANOTHER)
    wait_until(lambda: rollout.endswith(f"-{project.agent()['conversation']}.jsonl"))
    project.run("refresh")
    assert project.identity() != old

    _turn(project, "/resume", until=lambda: PROMPT in project.screen(AGENT) and ANOTHER in project.screen(AGENT))
    project.tmux("send-keys", "-t", f"={AGENT}:", "Down")
    wait_until(lambda: f"{POINTER} {ANOTHER}" not in project.screen(AGENT))
    project.tmux("send-keys", "-t", f"={AGENT}:", "Enter")
    wait_until(lambda: project.agent()["conversation"] == old)
    project.stop()
    assert project.processes() == []


def _turn(project: RealProject, command: str, until: Callable[[], bool]) -> None:
    """Give it a command of its own; an Enter right behind the text is taken for a part of it."""
    project.tmux("send-keys", "-t", f"={AGENT}:", "-l", command)
    wait_until(lambda: f"{POINTER} {command}" in project.screen(AGENT))
    enters = project.enters()
    wait_until(lambda: until() or (next(enters) and False))


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
