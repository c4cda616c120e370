"""The board in a real terminal: a pane of a tmux server of its own, over real sessions with stand-ins of the CLIs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from project import CLI, SCHEMAS, Project
from settled import asks, rests
from waiting import wait_until

TRIED: set[str] = set()
"""The keys that some test here presses, and what it does with the mouse."""
_PRESSED: set[str] = set()


def tries(*keys: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare the keys that a test presses; it fails if it does not press all of them."""
    TRIED.update(keys)

    def declared(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def checked(*given: Any, **named: Any) -> None:
            _PRESSED.clear()
            test(*given, **named)
            assert set(keys) <= _PRESSED

        return checked

    return declared


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
        _PRESSED.update(keys)
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


@pytest.fixture
def lab(started: Project) -> Project:
    """One agent that asks, one that rests, and one that is stopped, whatever the test before left behind."""
    asks(started, "builder")
    rests(started, "writer")
    return started


@pytest.fixture(scope="module")
def started() -> Iterator[Project]:
    """The agents that the tests of this file share."""
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


def _stable(screen: str) -> str:
    """The screen without what differs from run to run, or depends on the tests before."""
    return re.sub(r"reply to \d+ char\w*…", "reply to 5 char…", re.sub(r"(?:<1m| \dm)(?=  )", "   ", screen))


@tries("y", "Space", "l", "d", "Escape", "m", "Enter", "s", "r", "R", "Home", "Down")
def test_its_keys_on_real_agents(lab: Project) -> None:
    with terminal(lab, "keys", "board") as board:
        screen = board.shows("▲  asks", "○  idle", "■  ", "Bash command touch", "canned reply")
        assert _stable(screen).splitlines()[:8] == [
            "reconciler  project  ▲ 1 needs you  ○ 1 idle  ■ 1 stopped",
            "   STATE     FOR  AGENT                  SAYS",
            "needs you (1)",
            "▲  asks           shop.builder (claude)  Bash command touch played Do you want…",
            "idle (1)",
            "○  idle           shop.writer (claude)   This is a canned reply to 5 char…",
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


@tries("a", "y")
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
    lab.run("delete", "agent.blog.new", "agent.blog.newer", "--auto-approve")


def test_one_changed_character_and_nothing_is_pressed(lab: Project) -> None:
    with terminal(lab, "changed", "board") as board:
        board.shows("▲  asks")
        board.press("y")
        board.shows("asks ──", "4. No")
        [*_, path] = sorted((lab.root / ".mam" / "jobs" / ".requests").glob("*/*.shown"), key=os.path.getmtime)
        kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, "digest": ("1" if kept["digest"][0] == "0" else "0") + kept["digest"][1:]}))
        before = lab.screen("shop-creator-builder")
        board.press("y")
        board.shows("✗ Error: the agent now asks something different from what you saw")
        assert lab.screen("shop-creator-builder") == before


@tries("/", "Enter", "q")
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


@tries("n", "p", "?", "g", "j", "k", "Up", "End", "PageUp", "PageDown", "C-c")
def test_the_keys_that_look_and_move(lab: Project) -> None:
    with terminal(lab, "moves", "board", size=(80, 30)) as board:
        board.shows("▲  asks")
        board.press("/", "builder", "Enter")
        board.shows("filter: builder")
        board.press("n")
        board.shows("shop.builder asks", "4. No")
        board.press("n")
        board.shows("✓ deny: Do you want to proceed?")
        board.press("Escape")
        wait_until(lambda: "filter" not in board.screen)
        board.shows("○ 2 idle")
        board.press("Home", "Down", "l")
        board.shows("shop.writer: its last messages")
        board.press("End", "k", "j", "Up")
        board.shows("shop.writer: its last messages")
        board.press("Escape")
        wait_until(lambda: "its last messages" not in board.screen)
        board.press("p")
        board.shows("plan of project")
        board.press("?")
        board.shows("── keys", "attach to the agent; you come back here")
        assert "With the mouse:" not in board.screen
        board.press("PageDown")
        board.shows("With the mouse:")
        board.press("PageUp")
        board.shows("attach to the agent; you come back here")
        board.press("Escape")
        wait_until(lambda: "── keys" not in board.screen)
        board.press("g")
        board.shows("Grouped by workspace.", "shop (2)")
        board.press("C-c")
        board.shows("ended with 0")


@tries("C-q")
def test_leaving_with_ctrl_q_ends_it_too(lab: Project) -> None:
    with terminal(lab, "quits", "board") as board:
        board.shows("shop.writer")
        board.press("C-q")
        board.shows("ended with 0")


def _mouse(keys: int, line: int, column: int = 20, button: int = 0) -> None:
    """Press a button of the mouse in this line of the screen and let it go; 64 and 65 are the wheel (SGR 1006)."""
    os.write(keys, f"\x1b[<{button};{column};{line + 1}M".encode())
    if button < 64:
        os.write(keys, f"\x1b[<{button};{column};{line + 1}m".encode())


@tries("click", "twice", "wheel")
def test_the_mouse_selects_attaches_scrolls_and_presses_keys(lab: Project) -> None:
    with terminal(lab, "mouse", "board", inside=True) as board, _user(board) as keys:
        board.tmux("set-option", "-g", "mouse", "on")
        lines = board.shows("shop.writer", "enter attach").splitlines()

        _mouse(keys, len(lines) - 1, lines[-1].index("space peek") + 2)
        board.shows("shop.builder: its screen")
        _mouse(keys, _line_of("shop.writer", board))
        board.shows("shop.writer: its screen")
        _PRESSED.add("click")

        os.write(keys, b"\x1b")
        wait_until(lambda: "its screen" not in board.screen)
        os.write(keys, b"?")
        board.shows("── keys", "attach to the agent; you come back here")
        for _ in range(30):
            _mouse(keys, _line_of("── keys", board) + 3, button=65)
        board.shows("With the mouse:")
        _PRESSED.add("wheel")

        os.write(keys, b"\x1b")
        wait_until(lambda: "── keys" not in board.screen)
        for _ in range(2):
            _mouse(keys, _line_of("shop.writer", board))
        wait_until(lambda: "shop-creator-writer" in lab.tmux("list-clients", "-F", "#{session_name}"))
        _PRESSED.add("twice")
        os.write(keys, b"\x02d")
        board.shows("✓ You are back.")


def _line_of(text: str, board: Terminal) -> int:
    return next(at for at, line in enumerate(board.screen.splitlines()) if text in line)


@pytest.fixture
def without_popups(lab: Project, tmp_path: Path) -> tuple[str, ...]:
    """The words before a command that make it see a tmux that has no popups, like those before 3.2."""
    script = f"""#!/bin/sh
case "$*" in *"list-commands display-popup"*) echo "unknown command: display-popup" >&2; exit 1;; esac
exec {shutil.which("tmux", path=lab.env["PATH"])} "$@"
"""
    (tmp_path / "tmux").write_text(script)
    (tmp_path / "tmux").chmod(0o755)
    return ("env", f"PATH={tmp_path}:{lab.env['PATH']}")


def test_without_popups_the_way_back_is_shown_before_the_terminal_is_switched(
    lab: Project, without_popups: tuple[str, ...]
) -> None:
    """The board runs in the tmux server of its agents."""
    command = shlex.join([*without_popups, *CLI, "board"])
    lab.tmux(
        "new-session", "-d", "-s", "mine", "-x", "80", "-y", "24", "-c", str(lab.root), f"{command}; exec sleep 1000"
    )
    here = Here(lab)
    try:
        with _user(here, "=mine") as keys:
            here.shows("shop.writer")
            os.write(keys, b"/writer\r")
            here.shows("filter: writer")
            os.write(keys, b"\r")
            here.shows("Ctrl-b L brings you back here. Press enter again to go to shop.writer.")
            assert here.seen_by_the_user == "mine"
            os.write(keys, b"\r")
            wait_until(lambda: here.seen_by_the_user == "shop-creator-writer")
            os.write(keys, b"\x02L")
            wait_until(lambda: here.seen_by_the_user == "mine")
            here.shows("shop.writer", "enter attach")
    finally:
        lab.tmux("kill-session", "-t", "=mine")


class Here(Terminal):
    """The session `mine` in the server of the agents."""

    def __init__(self, project: Project) -> None:
        self.project, self.socket = project, project.socket

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "=mine:")

    @property
    def seen_by_the_user(self) -> str:
        return self.tmux("list-clients", "-F", "#{session_name}").strip()


def test_without_popups_in_another_server_the_keys_that_come_back_are_shown_first(
    lab: Project, without_popups: tuple[str, ...]
) -> None:
    board = Terminal(lab, "nested", (*without_popups, *CLI, "board"))
    try:
        with _user(board) as keys:
            board.shows("shop.writer")
            os.write(keys, b"/writer\r")
            board.shows("filter: writer")
            os.write(keys, b"\r")
            board.shows("Ctrl-b Ctrl-b d brings you back here. Press enter again to go to shop.writer.")
            assert not lab.tmux("list-clients")
            os.write(keys, b"\r")
            wait_until(lambda: "shop-creator-writer" in lab.tmux("list-clients", "-F", "#{session_name}"))
            os.write(keys, b"\x02\x02d")
            board.shows("✓ You are back.")
            assert board.tmux("list-clients")
    finally:
        board.tmux("kill-server")


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
def _user(board: Terminal, session: str = "") -> Iterator[int]:
    """A user's terminal that is attached to the outer server; what is written to it is typed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = ["tmux", "-u", "-S", str(board.socket), "attach-session", *(["-t", session] if session else [])]
    env = {**board.project.env, "TERM": "xterm-256color"}
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
    with terminal(lab, "grey", "board", inside=False) as board:
        board.shows("shop.writer")
        board.press("/", "writer", "Enter")
        board.shows("filter: writer")
        board.press("y")
        board.shows("✗ Error:")  # which is red
        assert re.search(r"\x1b\[[0-9;]*3[1-7]", board.tmux("capture-pane", "-p", "-e"))
    words = (*NO_TMUX, "NO_COLOR=1", *CLI, "board")
    plain = Terminal(lab, "plain", words)
    try:
        plain.shows("shop.writer")
        plain.press("/", "writer", "Enter")
        plain.shows("filter: writer")
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
    whole = {
        "host": "",
        "project": "project",
        "folder": str(lab.root),
        "registry": str(lab.registry),
        "diagnostics": [],
    }
    assert document["projects"] == [{**whole, "error": None}]


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
