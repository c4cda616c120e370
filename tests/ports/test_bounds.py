"""What stands still elsewhere does not make us stand still for ever, and learns nothing of our environment."""

from __future__ import annotations

import os
import signal

import pytest
from waiting import wait_until

from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError
from reconciler.model.snapshot import TmuxTarget
from reconciler.ports.tmux import NewSession, RealTmux, server
from reconciler.ports.world import SessionTags, TypingResult

DOORS = {
    "look": lambda tmux, _: tmux.look().reason,
    "screen": lambda tmux, pane: tmux.screen(pane.pane_id),
    "type_line": lambda tmux, pane: tmux.type_line(pane.target, "hello"),
    "paste": lambda tmux, pane: tmux.paste(pane.target, "hello"),
    "press": lambda tmux, pane: tmux.press(pane.target, ["Enter"]),
    "rename": lambda tmux, pane: tmux.rename(pane.target, "b"),
    "tag": lambda tmux, pane: tmux.tag(pane.target, SessionTags("L", "a", "c")),
    "tidy": lambda tmux, _: str(tmux.tidy()),
}


@pytest.fixture
def stopped(tmux_socket, tmp_path, monkeypatch):
    """A server that has stopped answering, and a pane of it; it goes on at the end of the test."""
    tmux = RealTmux(tmux_socket, os.environ)
    [pane] = tmux.start([NewSession("a", str(tmp_path), ("cat", "-"))])
    pid = tmux.look().value.server.pid
    monkeypatch.setattr(server, "_SECONDS", 0.2)
    os.kill(pid, signal.SIGSTOP)
    yield tmux, pane
    os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_door_gives_up_on_a_server_that_does_not_answer(stopped, door):
    try:
        answer = door(*stopped)
    except ReconcilerError as error:
        answer = error.summary
    assert "did not answer" in answer or answer == "False"


def test_screens_are_read_and_lines_typed_with_nothing_of_our_environment_but_what_is_allowed(tmp_path, monkeypatch):
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\nenv >> {tmp_path}/seen\necho typed\n")
    program.chmod(0o755)
    monkeypatch.setenv("API_TOKEN", "t0p")
    tmux = RealTmux(Socket(name="x"), {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"})

    assert tmux.screen("%1") == "typed"
    assert tmux.type_line(TmuxTarget("$1", "%1", 1), "hello")

    seen = (tmp_path / "seen").read_text()
    assert f"PATH={tmp_path}:" in seen
    assert "t0p" not in seen


def test_libtmux_starts_no_tmux_of_its_own(tmux_socket, tmp_path, monkeypatch):
    from libtmux.common import tmux_cmd

    monkeypatch.setattr(tmux_cmd, "__init__", lambda *_, **__: pytest.fail("libtmux would wait without a limit"))
    tmux = RealTmux(tmux_socket, os.environ)
    [pane] = tmux.start([NewSession("a", str(tmp_path), ("cat", "-"))])

    assert tmux.type_line(pane.target, "hello")
    wait_until(lambda: tmux.screen(pane.pane_id).splitlines()[:2] == ["hello", "hello"])
    assert tmux.press(pane.target, ["Enter"]) is TypingResult.DONE
