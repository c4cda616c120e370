from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project
from waiting import wait_until

from reconciler.model.desired import Socket


@pytest.fixture
def project(tmux_socket: Socket) -> Iterator[Project]:
    """An empty project with a tmux socket and a home of its own; its agents are gone afterwards."""
    home = Path(tmux_socket.path).parent
    root = home / "project"
    root.mkdir()
    made = Project(root, home, Path(tmux_socket.path))
    yield made
    made.tmux("kill-server")
    wait_until(lambda: not made.processes())
