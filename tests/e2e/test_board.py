"""The board in a real terminal: a pane of a tmux server of its own, over real sessions with stand-ins of the CLIs."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import jsonschema
import pytest
from project import CLI, SCHEMAS, Project
from waiting import wait_until

ASKS, RESTS, OLD = "shop.builder", "shop.writer", "blog.old"
NO_TMUX = ("env", "-u", "TMUX", "-u", "TMUX_PANE")


class Terminal:
    """A terminal: one pane of a tmux server that has nothing to do with the agents."""

    def __init__(self, project: Project, name: str, words: tuple[str, ...], size: tuple[int, int] = (80, 24)) -> None:
        self.project, self.socket = project, project.home / f"outer-{name}"
        width, height = map(str, size)
        command = f"{shlex.join(words)}; echo ended with $?; exec sleep 1000"
        start = ["-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "-c", str(project.root), command]
        self.tmux(*start)
        self.tmux("set-option", "-g", "status", "off")

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-u", "-S", str(self.socket), *words]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=self.project.env).stdout

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shows(self, *texts: str) -> str:
        """The screen, as soon as it has all of the texts."""
        seen: list[str] = []

        def all_there() -> bool:
            seen[:] = [self.screen]
            return all(text in seen[0] for text in texts)

        try:
            wait_until(all_there)
        except AssertionError as error:
            raise AssertionError(f"{texts} is not on the screen:\n{seen[0]}") from error
        return seen[0]


@contextmanager
def terminal(
    project: Project, name: str, *words: str, size: tuple[int, int] = (80, 24), inside: bool = False
) -> Iterator[Terminal]:
    made = Terminal(project, name, (*(() if inside else NO_TMUX), *CLI, *words), size)
    try:
        yield made
    finally:
        made.tmux("kill-server")


@pytest.fixture(scope="module")
def lab() -> Iterator[Project]:
    """One agent that asks, one that rests, and one that is stopped."""
    with tempfile.TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        root = Path(folder) / "project"
        root.mkdir()
        project = Project(root, Path(folder), Path(folder) / "t")
        agents = {"builder": {"type": "claude", "prompt": "ask"}, "writer": {"type": "claude", "prompt": "hello"}}
        old = {"type": "claude", "state": "stopped"}
        project.write({"shop": {"path": "shop", "agents": agents}, "blog": {"path": "blog", "agents": {"old": old}}})
        project.apply()
        yield project
        project.tmux("kill-server")
        for pid in project.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not project.processes())


def _ages(screen: str) -> str:
    """The screen without what differs from run to run."""
    return re.sub(r"(?:<1m| \dm)(?=  )", "   ", screen)


def test_its_keys_on_real_agents(lab: Project) -> None:
    with terminal(lab, "keys", "board") as board:
        screen = board.shows("▲  asks", "○  idle", "■  ", "Bash command touch", "canned reply")
        assert _ages(screen).splitlines()[:8] == [
            "reconciler  project  ▲ 1 needs you  ○ 1 idle  ■ 1 stopped",
            "   STATE     FOR  AGENT                  SAYS",
            "needs you (1)",
            "▲  asks           shop.builder (claude)  Bash command touch played Do you want…",
            "idle (1)",
            "○  idle           shop.writer (claude)   This is a canned reply to 5 character…",
            "stopped (1)",
            "■  new            blog.old (claude)",
        ]
        board.press("y")
        board.shows("shop.builder asks", "4. No", "y approves once")
        board.press("y")
        board.shows("✓ approve: Do you want to proceed?")
        board.shows("○ 2 idle")  # an event, or the next look, has shown it
        assert "canned reply" in lab.screen("shop-creator-builder")

        board.press("Home", "Down", "Space")
        board.shows("shop.writer: its screen", "? for shortcuts")
        lab.type("shop-creator-writer", "seen live")
        board.shows("> seen live")
        board.press("l")
        board.shows("shop.writer: its last messages", "seen live")
        board.press("d")
        board.shows("is not under git")
        board.press("Escape")
        wait_until(lambda: "── shop.writer" not in board.screen)  # else the two keys would be one: Alt-m
        board.press("m")
        board.shows("Message to shop.writer:")
        board.press("from the board", "Enter")
        board.shows("✓ shop-creator-writer  submitted")
        wait_until(lambda: "from the board" in lab.screen("shop-creator-writer"))

        board.shows("○ 2 idle")
        board.press("s")
        board.shows("✓ ", "○ 1 idle", "■ 2 stopped")
        assert "shop-creator-writer" not in lab.live()
        board.press("r")
        board.shows("✓ ", "○ 2 idle", "■ 1 stopped")
        before = lab.pane("shop-creator-writer").pid
        board.press("R")
        board.shows("✓ agent.shop.writer: Replaced", "○ 2 idle")
        assert lab.pane("shop-creator-writer").pid != before


def test_exactly_the_plan_that_was_shown_is_applied(lab: Project) -> None:
    manifest = lab.root / "reconciler.yaml"
    before = manifest.read_text()
    with terminal(lab, "plans", "board", size=(120, 40)) as board:
        board.shows("blog.old")
        whole = json.loads(before)
        whole["workspaces"]["blog"]["agents"]["new"] = {"type": "claude"}
        manifest.write_text(json.dumps(whole))
        board.press("a")
        board.shows("agent.blog.new will be created", "Apply this plan? Only y does it.")
        whole["workspaces"]["blog"]["agents"]["newer"] = {"type": "claude"}
        manifest.write_text(json.dumps(whole))
        board.press("y")
        board.shows("✗ ", "plan is stale")
        assert "blog-creator-new" not in lab.live()
        board.press("a")
        board.shows("agent.blog.newer will be created", "Apply this plan?")
        board.press("y")
        board.shows("✓ Apply complete!", "blog.newer")
        assert {"blog-creator-new", "blog-creator-newer"} <= set(lab.live())
        manifest.write_text(before)
        lab.apply()
        board.shows("■  archived")  # the registry keeps what it knows of them


def test_one_changed_character_and_nothing_is_pressed(lab: Project) -> None:
    lab.type("shop-creator-writer", "please ask")
    with terminal(lab, "changed", "board") as board:
        board.shows("▲  asks")
        board.press("y")
        board.shows("asks ──", "4. No")
        [*_, path] = sorted((lab.root / ".mam" / "jobs" / ".requests").glob("*/*.shown"), key=os.path.getmtime)
        kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, "digest": ("1" if kept["digest"][0] == "0" else "0") + kept["digest"][1:]}))
        before = lab.screen("shop-creator-writer")
        board.press("y")
        board.shows("✗ Error: the agent now asks something different from what you saw")
        assert lab.screen("shop-creator-writer") == before
        lab.tmux("send-keys", "-t", "=shop-creator-writer:", "Escape")
        board.shows("○ 2 idle")


def test_enter_attaches_and_detaching_comes_back(lab: Project) -> None:
    with terminal(lab, "attach", "board") as board:
        board.shows("shop.writer")
        board.press("/", "writer", "Enter")
        board.shows("filter: writer", "enter attach")
        board.press("Enter")
        board.shows("[shop-crea")  # the status line of the agents' own tmux
        board.press("C-b", "d")
        board.shows("✓ You are back.", "shop.writer")
        board.press("q")
        board.shows("ended with 0")


def test_inside_tmux_a_popup_attaches(lab: Project) -> None:
    with terminal(lab, "popup", "board", inside=True) as board, _user(board) as keys:
        board.shows("shop.writer")
        os.write(keys, b"/writer\r")
        board.shows("filter: writer")
        os.write(keys, b"\r")
        wait_until(lambda: "shop-creator-writer" in lab.tmux("list-clients", "-F", "#{session_name}"))
        board.shows("Ctrl-b d comes back")
        os.write(keys, b"\x02d")
        board.shows("✓ You are back.")
        assert board.tmux("list-clients")  # the user's own terminal is still attached
        assert not lab.tmux("list-clients")


@contextmanager
def _user(board: Terminal) -> Iterator[int]:
    """A user's terminal that is attached to the outer server; what is written to it is typed."""
    ours, theirs = pty.openpty()
    command = ["tmux", "-u", "-S", str(board.socket), "attach-session"]
    env = {**board.project.env, "TERM": "xterm"}
    client = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    drain = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: board.tmux("list-clients"))
        yield ours
    finally:
        for process in (client, drain):
            process.kill()
            process.wait()
        os.close(ours)


def test_the_program_alone_is_the_board_on_a_terminal_and_status_elsewhere(lab: Project) -> None:
    assert lab.run().startswith("SESSION")
    with terminal(lab, "alone") as board:
        board.shows("shop.writer", "enter attach")
        board.press("q")
        board.shows("ended with 0")
    assert "Usage: reconciler" in lab.run("-C", "/", "--help")


def test_no_color_holds(lab: Project) -> None:
    lab.tmux("send-keys", "-t", "=shop-creator-writer:", "Escape")
    with terminal(lab, "grey", "board", inside=False) as board:
        board.shows("shop.writer")
        board.press("y")
        board.shows("✗ Error:")  # which is red
        assert re.search(r"\x1b\[[0-9;]*3[1-7]", board.tmux("capture-pane", "-p", "-e"))
    words = (*NO_TMUX, "NO_COLOR=1", *CLI, "board")
    plain = Terminal(lab, "plain", words)
    try:
        plain.shows("shop.writer")
        plain.press("Space")
        plain.shows("its screen", "? for shortcuts")
        assert not re.search(r"\x1b\[([0-9;]*;)?(3[0-8]|4[0-8]|9[0-7])[;m]", plain.tmux("capture-pane", "-p", "-e"))
    finally:
        plain.tmux("kill-server")


def test_its_document_fits_the_schema(lab: Project) -> None:
    document = lab.json("board", code=0)
    jsonschema.validate(document, json.loads((SCHEMAS / "board.schema.json").read_text()))
    rows = {row["address"]: row for row in document["agents"]}
    assert rows["agent.shop.writer"]["message"]["text"]
    assert rows["agent.blog.old"]["group"] == "stopped"
    assert document["projects"] == [{"project": "project", "folder": str(lab.root), "diagnostics": []}]


def test_what_is_missing_is_one_line(lab: Project) -> None:
    assert "the board needs a terminal" in lab.run("board", code=64)
    hide = (
        "import sys, importlib.util as u; found = u.find_spec; "
        "u.find_spec = lambda name, *more: None if name == 'textual' else found(name, *more); "
        "from reconciler.__main__ import main; sys.argv = ['reconciler', 'board']; main()"
    )
    command = [sys.executable, "-c", hide]
    done = subprocess.run(command, cwd=lab.root, env=lab.env, capture_output=True, text=True, check=False)
    said = "Error: the board is not installed: pip install 'agent-reconciler[board]'\n"
    assert (done.returncode, done.stderr) == (1, said)
