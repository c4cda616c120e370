"""The board of the whole machine: several projects on one tmux server, shown live; and the tokens of today."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest
from project import CLI, Project
from test_board import NO_TMUX, Terminal
from waiting import wait_until

from reconciler.app.board import watch
from reconciler.app.board.members import AllNoted, GivenProjects
from reconciler.app.board.watch import LiveBoard, ServerWatch
from reconciler.app.project.project import find_project
from reconciler.app.usage import today
from reconciler.app.usage.report import opened
from reconciler.app.usage.today import TodaysCount
from reconciler.model.address import agent_address
from reconciler.model.moment import local_day
from reconciler.ports.tmux import RealTmux
from reconciler.render.documents.board import BoardDoc


class Machine:
    """Projects with one home on one tmux server."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def made(self, name: str, **agents: dict[str, object]) -> Project:
        root = self.home / name
        root.mkdir()
        made = Project(root, self.home, self.home / "s")
        made.write({name: {"path": "w", "agents": agents or {"writer": {"type": "claude", "prompt": "hello"}}}})
        made.apply()
        return made


@pytest.fixture
def machine() -> Iterator[Machine]:
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv("TMUX", raising=False)
        made = Machine(Path(folder))
        yield made
        one = Project(made.home, made.home, made.home / "s")
        one.tmux("kill-server")
        for pid in one.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not one.processes())


def test_outside_of_a_project_the_board_shows_all_and_follows_what_is_noted(machine: Machine) -> None:
    first = machine.made("first")
    board = Terminal(first, "all", (*NO_TMUX, "-C", "/", *CLI, "board"), (110, 30))
    try:
        board.shows("first.writer", "○ 1 idle")
        assert "PROJECT" not in board.screen
        second = machine.made("second")
        board.shows("PROJECT", "first.writer", "second.writer", "○ 2 idle", "TODAY")

        board.press("/", "second", "Enter")
        board.shows("filter: second")
        board.press("m")
        board.shows("Message to second.writer:")
        board.press("for the second", "Enter")
        board.shows("✓ second-creator-writer  submitted")
        board.press("p")
        board.shows("plan of second", "No changes.")
        board.press("Escape")
        wait_until(lambda: "plan of" not in board.screen)
        board.press("Escape")

        second.root.rename(machine.home / "away")
        board.shows(f"✗ {second.root} is left out: its folder is not there", "○ 1 idle")
        (machine.home / "away").rename(second.root)
        board.shows("second.writer", "○ 2 idle")
        first.run("projects", "forget", "second")
        wait_until(lambda: "second.writer" not in board.screen)
        board.shows("first.writer")
    finally:
        board.tmux("kill-server")


def test_without_any_project_it_says_how_one_gets_there(machine: Machine) -> None:
    (machine.home / "none").mkdir()
    nobody = Project(machine.home / "none", machine.home, machine.home / "s")
    board = Terminal(nobody, "none", (*NO_TMUX, "-C", "/", *CLI, "board"))
    try:
        board.shows("No project is noted. `reconciler apply` in a project notes it.", "enter attach")
        board.press("q")
        board.shows("ended with 0")
    finally:
        board.tmux("kill-server")


def test_the_live_board_looks_once_at_a_server_for_all_projects_on_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [machine.made(name, shell={}) for name in ("first", "second", "third")]
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name, value in made[0].env.items():
        monkeypatch.setenv(name, value)
    looks: list[str] = []
    real = RealTmux.look

    def counted(self: RealTmux) -> object:
        looks.append(self.socket_path)
        return real(self)

    monkeypatch.setattr(RealTmux, "look", counted)
    monkeypatch.setattr(watch.ServerWatch, "run", lambda _self: None)  # the test makes each round itself
    documents: list[BoardDoc] = []
    board = LiveBoard(AllNoted(), documents.append)
    board.start()
    try:
        [server] = board.servers
        for rounds in (1, 2, 3):
            server.look()
            assert looks == [str(machine.home / "s")] * rounds
            assert [row["live"] for row in documents[-1]["agents"]] == ["alive"] * len(made)
    finally:
        board.close()


def test_on_a_busy_machine_the_next_look_is_not_put_off_by_what_a_look_waited_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = find_project(str(machine.made("one", shell={}).root), "")
    rests: list[float] = []
    board = LiveBoard(GivenProjects([at]), lambda _document: None)

    def rest(_watch: ServerWatch, cost: float) -> None:
        rests.append(cost)
        board._stop.set()

    monkeypatch.setattr(watch.ServerWatch, "look", lambda _self: Event().wait(0.5))
    monkeypatch.setattr(watch.ServerWatch, "_rest", rest)
    board.start()
    wait_until(lambda: rests)
    board.close()
    assert rests[0] < 0.1, "it waited, and cost nothing"


# --- tokens of today ----------------------------------------------------------------------------


def test_the_tokens_of_today_are_those_of_usage_and_unknown_where_the_cli_stores_none(project: Project) -> None:
    clis = ["claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot"]
    project.declare(**{cli: {"prompt": "first"} for cli in clis}, shell={})
    project.apply()

    def tokens() -> dict[str, int | None]:
        return {row["agent"]: row["tokens_today"] for row in project.json("board", code=0)["agents"]}

    wait_until(lambda: tokens() == {**dict.fromkeys(clis, 1545), "shell": None})
    day = local_day(find_project(str(project.root), "").now().timestamp())
    used = project.json("usage", "--since", day)["groups"]
    assert {each["agent"].rpartition(".")[2]: each["tokens"]["total"] for each in used} == dict.fromkeys(clis, 1545)


def test_only_what_was_written_today_is_read_and_only_what_was_added_is_read_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.declare(claude={"prompt": "first"})
    project.apply()
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    at, address, count = find_project(str(project.root), ""), agent_address("lab", "claude"), TodaysCount()

    def tokens() -> int | None:
        return count.count([opened(at)]).of(at.root, address, "claude")

    wait_until(lambda: tokens() == 1545)
    [path] = (project.home / ".claude/projects").glob("*/*.jsonl")
    known = dict(count._known)
    assert tokens() == 1545
    assert count._known == known
    assert count._known[str(path)] is known[str(path)], "nothing was added"
    project.type("lab-creator-claude", "second")
    wait_until(lambda: tokens() == 3090)

    tomorrow = at.now().timestamp() + 86400
    monkeypatch.setattr(today, "local_day", lambda _now: local_day(tomorrow))
    assert tokens() == 0
    assert count._known == {}, "files of yesterday are not read"


def test_a_store_that_cannot_be_read_is_not_zero_tokens(project: Project) -> None:
    project.declare(claude={})
    project.apply()

    def tokens() -> int | None:
        return project.json("board", code=0)["agents"][0]["tokens_today"]

    assert tokens() == 0
    broken = project.home / ".claude/projects/any/broken.jsonl"
    broken.parent.mkdir(parents=True)
    broken.symlink_to(broken)  # a loop of links
    assert tokens() is None
