from __future__ import annotations

import os
import subprocess

import pytest
from driving import BIN, Cli


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "My Proj_1.2 é"
    folder.mkdir()
    return folder


@pytest.fixture
def start(home, workspace):
    """Starts a CLI in the workspace; ends it with the test."""
    started = []

    def start(*command, cwd=workspace, **env):
        outer, inner = os.openpty()
        os.set_blocking(outer, False)
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "HOME": str(home), **env},
            start_new_session=True,
        )
        os.close(inner)
        started.append(Cli(process, outer))
        return started[-1]

    yield start
    for cli in started:
        cli.process.kill()
        cli.process.wait()
        os.close(cli.terminal)
