from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from real_project import RealProject
from stub import serving
from waiting import wait_until

from reconciler.model.desired import Socket

# Hundreds of megabytes and minutes: only for those who ask, as `make test-real` does.
collect_ignore_glob = [] if os.environ.get("RECONCILER_REAL") else ["test_*.py"]


@pytest.fixture
def project(tmux_socket: Socket) -> Iterator[RealProject]:
    """An empty project with a home, a tmux socket and a model of its own; its agents are gone afterwards."""
    home = Path(tmux_socket.path).parent
    root = home / "project"
    (root / "lab").mkdir(parents=True)
    with serving() as url:
        made = RealProject(root, home, Path(tmux_socket.path), url)
        yield made
        made.tmux("kill-server")
        wait_until(lambda: not [_kill(pid) for pid in made.processes()])


def _kill(pid: int) -> None:
    """End what a test left behind."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
