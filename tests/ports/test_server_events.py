"""The events of a tmux server: what is told, and what is left alone."""

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
def events(tmux_socket, tmux):
    assert tmux("list-sessions")
    made = RealTmux(tmux_socket, os.environ).events("a project")
    yield made
    made.unsubscribe()


def told(events):
    return bool(select(events.descriptors, [], [], 0)[0])


EVENTS = {
    "session-created": ("new-session", "-d", "-s", "three", "sleep", "1000"),
    "session-renamed": ("rename-session", "-t", "=one", "uno"),
    "session-closed": ("kill-session", "-t", "=one"),
    "pane-exited": ("respawn-pane", "-k", "-t", "=one:", "true"),
    "server gone": ("kill-server",),
}


@pytest.mark.parametrize("words", EVENTS.values(), ids=EVENTS)
def test_it_tells_when_something_happens_to_a_session(events, tmux, words):
    events.subscribe(1)
    assert not told(events)
    tmux(*words)
    wait_until(lambda: told(events))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_happens_while_nobody_waits_is_not_lost(events, tmux, count):
    """Each new session says its word once, and each that is killed says it twice."""
    events.subscribe(1)
    tmux("kill-session", "-t", "=one")
    wait_until(lambda: told(events))
    events.acknowledge()
    for number in range(count):
        tmux("new-session", "-d", "-s", f"new{number}", "sleep", "1000")
    events.subscribe(1)
    wait_until(lambda: told(events))


def test_it_tells_again_and_again(events, tmux):
    for number in range(5):
        wait_until(lambda: quiet(events))
        tmux("new-session", "-d", "-s", f"new{number}", "sleep", "1000")
        wait_until(lambda: told(events))
        wait_until(lambda: quiet(events))
        tmux("kill-session", "-t", f"=new{number}")
        wait_until(lambda: told(events))


def quiet(events):
    """Acknowledged and subscribed to again until nothing is left of what was said."""
    events.acknowledge()
    events.subscribe(1)
    return not select(events.descriptors, [], [], 0.3)[0]


def test_an_event_that_was_not_acknowledged_yet_is_not_taken_back(events, tmux):
    events.subscribe(1)
    tmux("kill-session", "-t", "=one")
    wait_until(lambda: told(events))
    events.subscribe(1)
    assert told(events)


def test_hooks_of_the_user_stay(events, tmux):
    tmux("set-hook", "-g", "session-closed", "display-message mine")
    events.subscribe(1)
    assert "display-message mine" in tmux("show-hooks", "-g", "session-closed")
    events.unsubscribe()
    assert "display-message mine" in tmux("show-hooks", "-g", "session-closed")
    assert "reconciler-" not in tmux("show-hooks", "-g") + tmux("show-hooks", "-gw")


def test_without_a_server_it_stays_silent_and_starts_none(tmux_socket):
    events = RealTmux(tmux_socket, os.environ).events("a project")
    events.subscribe(1)
    events.unsubscribe()
    assert not os.path.exists(tmux_socket.path)
