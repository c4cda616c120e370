"""How many files a tmux server may open, which is how many agents it can hold."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_until

from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present, Unknown
from reconciler.ports.tmux import NewSession, RealTmux
from reconciler.ports.tmux.file_limit import open_files


@pytest.fixture
def low():
    """A soft limit as small as that of an ordinary login, below a hard one that is larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_server_that_is_started_may_open_more_than_we_may(tmux_socket, tmp_path, low):
    tmux = RealTmux(tmux_socket, os.environ)

    list(tmux.start([NewSession("a", str(tmp_path), ("sleep", "1000"))]))

    server = tmux.look().value.server.pid
    room = tmux.room(server).value
    assert 256 < room.limit == open_files() <= low
    assert room.pid == server
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256


def test_each_agent_takes_one_file_and_a_dead_one_gives_it_back(tmux_socket, tmp_path):
    tmux = RealTmux(tmux_socket, os.environ)
    list(tmux.start([NewSession("keep", str(tmp_path), ("sleep", "1000"))]))
    server = tmux.look().value.server.pid
    before = tmux.room(server).value.used

    panes = list(tmux.start([NewSession(f"s{i}", str(tmp_path), ("sleep", "1000")) for i in range(40)]))
    assert 36 <= tmux.room(server).value.used - before <= 44  # clients come and go meanwhile
    for pane in panes:
        os.kill(pane.pid, 9)
    wait_until(lambda: tmux.room(server).value.used <= before + 4)
    assert len(tmux.look().value.panes) == 41


def test_the_room_of_a_process_that_is_gone_is_unknown(tmux_socket):
    assert isinstance(RealTmux(tmux_socket, os.environ).room(1 << 22 | 1), Unknown)


def fake_tmux(tmp_path: Path, version: str) -> RealTmux:
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\necho 'tmux {version}'\n")
    program.chmod(0o755)
    return RealTmux(Socket(name="x"), {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"})


@pytest.mark.parametrize("version", ["3.1c", "2.9", "next-3.1"])
def test_no_server_is_started_by_a_tmux_that_is_too_old(tmp_path, version):
    with pytest.raises(ReconcilerError, match=version) as error:
        fake_tmux(tmp_path, version).room(0)
    assert "3.2" in error.value.summary
    assert "PATH" in error.value.fix


@pytest.mark.parametrize("version", ["3.2", "3.3a", "next-3.8", "master", "openbsd-7.5", "10.0"])
def test_every_other_tmux_may_start_one(tmp_path, version):
    assert isinstance(fake_tmux(tmp_path, version).room(0), Present)


def test_a_server_that_cannot_get_more_gets_what_there_is(tmux_socket, tmp_path):
    program = """
import os, resource, sys
from reconciler.model.desired import Socket
from reconciler.ports.tmux import NewSession, RealTmux
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 80))
tmux = RealTmux(Socket(path=sys.argv[1]), os.environ)
print(tmux.room(0).value.limit)
list(tmux.start([NewSession("a", sys.argv[2], ("sleep", "1000"))]))
print(tmux.room(tmux.look().value.server.pid).value.limit)
"""
    words = [sys.executable, "-c", program, tmux_socket.path, str(tmp_path)]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout.split() == ["80", "80"]
