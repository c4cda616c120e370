from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_hosts import Controller, LabHost


@pytest.fixture
def fleet() -> Iterator[Controller]:
    """A controller and three hosts; their agents and tmux servers are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:  # short, because tmux sockets need short paths
        hosts = {name: LabHost(Path(folder) / name) for name in ("one", "two", "three")}
        for host in hosts.values():
            host.make()
        (Path(folder) / "reconciler.yaml").write_text("version: 1\n")  # the controller's own project
        made = Controller(Path(folder), hosts)
        made.write()
        yield made
        for host in hosts.values():
            host.tmux("kill-server")
