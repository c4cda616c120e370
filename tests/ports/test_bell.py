"""The bell of a tmux server: what rings it, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
from select import select

import pytest
from waiting import wait_until

from reconciler.ports.tmux import RealTmux


@pytest.fixture
def tmux(tmux_socket):
    def run(*words):
        command = ["tmux", "-S", tmux_socket.path, *words]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout

    run("-f", "/dev/null", "new-session", "-d", "-s", "one", "sleep", "1000")
    run("new-session", "-d", "-s", "two", "sleep", "1000")
    return run


@pytest.fixture
def bell(tmux_socket, tmux):
    assert tmux("list-sessions")
    made = RealTmux(tmux_socket, os.environ).bell("a project")
    yield made
    made.unhang()


def rings(bell):
    return bool(select(bell.descriptors, [], [], 0)[0])


EVENTS = {
    "session-created": ("new-session", "-d", "-s", "three", "sleep", "1000"),
    "session-renamed": ("rename-session", "-t", "=one", "uno"),
    "session-closed": ("kill-session", "-t", "=one"),
    "pane-exited": ("respawn-pane", "-k", "-t", "=one:", "true"),
    "server gone": ("kill-server",),
}


@pytest.mark.parametrize("words", EVENTS.values(), ids=EVENTS)
def test_it_rings_when_something_happens_to_a_session(bell, tmux, words):
    bell.hang(1)
    assert not rings(bell)
    tmux(*words)
    wait_until(lambda: rings(bell))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_happens_while_nobody_waits_is_not_lost(bell, tmux, count):
    """Each new session says its word once, and each that is killed says it twice."""
    bell.hang(1)
    tmux("kill-session", "-t", "=one")
    wait_until(lambda: rings(bell))
    bell.answer()
    for number in range(count):
        tmux("new-session", "-d", "-s", f"new{number}", "sleep", "1000")
    bell.hang(1)
    wait_until(lambda: rings(bell))


def test_it_rings_again_and_again(bell, tmux):
    for number in range(5):
        wait_until(lambda: quiet(bell))
        tmux("new-session", "-d", "-s", f"new{number}", "sleep", "1000")
        wait_until(lambda: rings(bell))
        wait_until(lambda: quiet(bell))
        tmux("kill-session", "-t", f"=new{number}")
        wait_until(lambda: rings(bell))


def quiet(bell):
    """Answered and hung again until nothing is left of what was said."""
    bell.answer()
    bell.hang(1)
    return not select(bell.descriptors, [], [], 0.3)[0]


def test_a_ring_that_was_not_answered_yet_is_not_taken_back(bell, tmux):
    bell.hang(1)
    tmux("kill-session", "-t", "=one")
    wait_until(lambda: rings(bell))
    bell.hang(1)
    assert rings(bell)


def test_hooks_of_the_user_stay(bell, tmux):
    tmux("set-hook", "-g", "session-closed", "display-message mine")
    bell.hang(1)
    assert "display-message mine" in tmux("show-hooks", "-g", "session-closed")
    bell.unhang()
    assert "display-message mine" in tmux("show-hooks", "-g", "session-closed")
    assert "reconciler-" not in tmux("show-hooks", "-g") + tmux("show-hooks", "-gw")


def test_without_a_server_it_stays_silent_and_starts_none(tmux_socket):
    bell = RealTmux(tmux_socket, os.environ).bell("a project")
    bell.hang(1)
    bell.unhang()
    assert not os.path.exists(tmux_socket.path)
