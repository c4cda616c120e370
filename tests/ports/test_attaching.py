"""Which terminal is shown a session, on a real server with real terminals."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from waiting import wait_until

from reconciler.model.desired import Socket
from reconciler.model.errors import Refused
from reconciler.ports.tmux import RealTmux


def tmux(socket: Socket, *words: str) -> str:
    command = ["tmux", "-u", "-S", socket.path, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def server(tmux_socket: Socket) -> Socket:
    """A server with the sessions `one`, `two` and `mine`."""
    for name in ("one", "two", "mine"):
        tmux(tmux_socket, "new-session", "-d", "-s", name, "sleep", "1000")
    return tmux_socket


@contextmanager
def terminal(server: Socket, session: str) -> Iterator[str]:
    """A terminal that shows the session; the name of its client."""
    before = set(tmux(server, "list-clients", "-F", "#{client_name}").splitlines())
    ours, theirs = pty.openpty()
    words = ["tmux", "-u", "-S", server.path, "attach-session", "-t", f"={session}"]
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as client:
        try:
            [name] = wait_until(lambda: set(tmux(server, "list-clients", "-F", "#{client_name}").splitlines()) - before)
            yield name
        finally:
            client.kill()
            os.close(ours)
            os.close(theirs)


def inside(server: Socket, session: str) -> RealTmux:
    """As seen by a program that runs in the session."""
    pane = tmux(server, "display-message", "-p", "-t", f"={session}:", "#{pane_id}")
    return RealTmux(server, {**os.environ, "TMUX": f"{server.path},1,0", "TMUX_PANE": pane})


@pytest.mark.parametrize("socket", [Socket(), Socket(name="lab"), Socket(path="/run/lab")])
@pytest.mark.parametrize("around", ["", "/run/another,1,0"])
def test_outside_of_the_server_a_terminal_is_attached(socket, around):
    assert "attach-session" in RealTmux(socket, {"TMUX": around}).attaching("x")
    assert "attach-session" in RealTmux(socket, {}).attaching("x")


def test_inside_of_the_server_our_own_terminal_is_switched_and_no_other(server):
    with terminal(server, "mine") as ours, terminal(server, "two"):  # tmux by itself would take the newest
        command = inside(server, "mine").attaching("one")
        subprocess.run(command, check=True)
        shown = dict(
            line.split(" ")
            for line in tmux(server, "list-clients", "-F", "#{client_session} #{client_name}").splitlines()
        )
    assert shown["one"] == ours
    assert "two" in shown


def test_in_a_session_that_no_terminal_shows_nobody_is_moved(server):
    with terminal(server, "two") as other:
        with pytest.raises(Refused, match="without a terminal") as caught:
            inside(server, "mine").attaching("one")
        assert tmux(server, "list-clients", "-F", "#{client_name} #{client_session}") == f"{other} two"
    assert f"tmux -u -S {server.path} attach-session -t =one" in caught.value.fix


def test_a_control_client_is_no_terminal(server):
    words = ["tmux", "-u", "-S", server.path, "-C", "attach-session", "-t", "=mine"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as control:
        wait_until(lambda: tmux(server, "list-clients"))
        with pytest.raises(Refused):
            inside(server, "mine").attaching("one")
        control.kill()
