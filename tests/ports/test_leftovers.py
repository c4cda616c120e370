"""What a killed reconciler leaves on a tmux server, and what becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from older import OLDER
from waiting import PATIENCE, wait_until

from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.ports.lockfile import current_namespace
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import NewSession, RealTmux
from reconciler.ports.tmux.holders import HolderOwner

# A start that is killed: before its client has said anything, in the middle of its answers, when it has them all.
KILLED = """
import os, signal, sys
from reconciler.model.desired import Socket
from reconciler.ports.tmux import NewSession, RealTmux
from reconciler.ports.tmux.holders import HolderOwner
_, path, folder, taken = sys.argv
tmux = RealTmux(Socket(path=path), os.environ)
if taken == "none":
    client = tmux._control_client(HolderOwner.ours())
else:
    starting = tmux.start([NewSession(f"s{i}", folder, ("sleep", "1000")) for i in range(40)])
    for _ in range(int(taken)):
        next(starting)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def tmux(tmux_socket) -> RealTmux:
    return RealTmux(tmux_socket, os.environ)


@pytest.fixture
def shell(tmux_socket):
    """Runs tmux from outside; answers what it prints."""

    def run(*arguments: str) -> str:
        command = ["tmux", "-u", "-S", tmux_socket.path, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE).stdout

    return run


@pytest.fixture
def killed(tmux_socket, tmp_path):
    """Runs a program that is killed, on the socket of the test; answers what it printed."""

    def run(program: str, *arguments: str) -> str:
        words = [sys.executable, "-c", program, tmux_socket.path, *arguments]
        return subprocess.run(words, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE).stdout

    return run


@pytest.fixture
def orphan(killed):
    """The pid of a client that an older reconciler left; it is gone after the test."""
    pid = int(killed(OLDER))
    yield pid
    if b"tmux" in read(Path(f"/proc/{pid}/cmdline")):
        os.kill(pid, signal.SIGKILL)


def names(shell) -> set[str]:
    return set(shell("list-sessions", "-F", "#{session_name}").splitlines())


def clients(tmux_socket) -> list[int]:
    """Control clients that run; their server has the same command line."""
    mark = f"\0{tmux_socket.path}\0-C\0".encode()
    found = [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if mark in read(path)]
    return [int(each.name) for each in found if read(each / "comm") not in {b"tmux: server\n", b"sh\n"}]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("taken", ["none", "0", "1", "20", "40"])
def test_a_start_that_is_killed_leaves_no_client_and_a_server_that_can_end(tmux, tmux_socket, shell, killed, taken):
    killed(KILLED, os.getcwd(), taken)

    wait_until(lambda: not clients(tmux_socket))
    shell("kill-server")
    wait_until(lambda: tmux.look() == ABSENT)
    [pane] = tmux.start([NewSession("again", os.getcwd(), ("sleep", "1000"))])
    assert pane.session == "again"


def test_the_holder_session_of_a_killed_start_is_ended_by_the_next_tidying(tmux, tmp_path, shell, killed):
    killed(KILLED, str(tmp_path), "1")
    wait_until(lambda: shell("list-clients") == "")
    assert any(name.startswith("_reconciler-") for name in names(shell))

    assert tmux.tidy()
    assert not any(name.startswith("_reconciler-") for name in names(shell))
    assert "s0" in names(shell)
    assert not tmux.tidy()


def test_a_server_that_waits_for_an_orphaned_client_says_which_and_what_to_type(tmux, orphan, shell):
    shell("kill-server")

    match tmux.look():
        case Unknown(reason, fix):
            assert f"pid {orphan}" in reason
            assert f"kill {orphan}" in fix
        case other:
            pytest.fail(f"{other}")


def test_tidying_frees_a_server_that_waits_for_an_orphaned_client(tmux, orphan, shell):
    shell("kill-server")

    assert tmux.tidy()
    assert tmux.look() == ABSENT
    assert not isinstance(RealProcesses().started(orphan), Present)


def test_an_orphaned_client_ends_with_its_holder_session_and_with_nothing_else(tmux, orphan, shell):
    wait_until(lambda: len(names(shell)) == 41)
    before = tmux.look().value.server

    assert tmux.tidy()
    assert names(shell) == {f"s{i}" for i in range(40)}
    assert tmux.look().value.server == before
    assert not isinstance(RealProcesses().started(orphan), Present)
    shell("kill-server")
    wait_until(lambda: tmux.look() == ABSENT)


def test_a_hook_that_renames_sessions_does_not_save_a_holder_session(tmux, tmp_path, shell):
    shell("-f", "/dev/null", "new-session", "-d", "-s", "keep", "sleep", "1000")
    shell("set-hook", "-g", "session-created", "rename-session '#{session_name}-x'")

    list(tmux.start([NewSession("a", str(tmp_path), ("sleep", "1000"))]))

    assert not any(name.startswith("_reconciler-") for name in names(shell))


def dead_pid() -> int:
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


def mark_of(pid: int, started: int, namespace: str | None = None) -> str:
    return str(HolderOwner(pid, started, current_namespace().namespace if namespace is None else namespace, "0123abcd"))


def test_only_what_is_ours_and_whose_maker_is_gone_is_ended(tmux, shell):
    us, gone = os.getpid(), dead_pid()
    began = RealProcesses().started(us).value
    marked = {
        "renamed": mark_of(gone, 1),
        "another-process-now": mark_of(us, began - 1),
        "ours-at-work": mark_of(us, began),
        "other-namespace": mark_of(gone, 1, "pid:[1]"),
        "forged": "1/x/y/z",
    }
    older = {f"_reconciler-{gone}-0123abcd", f"_reconciler-{us}-0123abcd"}
    foreign = {"_reconciler-lab", f"_reconciler-{gone}", f"_reconciler-{gone}-0123abcd-notes"}
    for name in (*marked, *older, *foreign):
        shell("-f", "/dev/null", "new-session", "-d", "-s", name, "sleep", "1000")
    for name, mark in marked.items():
        shell("set-option", "-t", f"={name}:", "@reconciler_holder", mark)

    assert tmux.tidy()

    ended = {"renamed", "another-process-now", f"_reconciler-{gone}-0123abcd"}
    assert names(shell) == {*marked, *older, *foreign} - ended


def test_without_a_server_there_is_nothing_to_tidy_and_none_is_started(tmux, tmux_socket):
    assert not tmux.tidy()
    assert not os.path.exists(tmux_socket.path)


def test_a_listener_that_is_killed_leaves_no_client(tmux_socket, shell, killed):
    shell("-f", "/dev/null", "new-session", "-d", "-s", "keep", "sleep", "1000")
    program = """
import os, signal, sys
from reconciler.model.desired import Socket
from reconciler.ports.tmux import RealTmux
events = RealTmux(Socket(path=sys.argv[1]), os.environ).events("a project")
events.subscribe(1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed(program)

    waiting = f"\0{tmux_socket.path}\0wait-for\0".encode()
    wait_until(lambda: not any(waiting in read(path) for path in Path("/proc").glob("[0-9]*/cmdline")))
