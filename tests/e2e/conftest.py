from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from free_ports import free_port
from project import Gate, Project, arguments, git, pids, runs
from waiting import wait_until

from reconciler.model.desired import Socket

# Minutes of random work: only for those who say how many seconds, as RECONCILER_SOAK=600.
collect_ignore = [] if os.environ.get("RECONCILER_SOAK") else ["soak"]


@pytest.fixture
def project(tmux_socket: Socket) -> Iterator[Project]:
    """An empty project with a tmux socket and a home of its own; its agents are gone afterwards."""
    home = Path(tmux_socket.path).parent
    root = home / "project"
    root.mkdir()
    made = Project(root, home, Path(tmux_socket.path))
    yield made
    made.tmux("kill-server")
    wait_until(lambda: not [_kill(pid) for pid in made.processes()])


@pytest.fixture
def repo(project: Project) -> Path:
    """A repository with the branches `stable` and `main`, which is one commit ahead."""
    path = project.home / "repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "stable")
    for branch in ("stable", "main"):
        git(path, "checkout", "-q", "-B", branch)
        git(path, "commit", "-q", "--allow-empty", "-m", branch)
    return path


@pytest.fixture
def gate(project: Project, repo: Path) -> Iterator[Gate]:
    """Holds up an apply that makes a worktree, by a git that waits when it has made one, until it is opened."""
    made = Gate(repo / "reached", repo / "opened")
    waiting = f"touch {made.reached}; until [ -e {made.opened} ]; do sleep 0.02; done"
    program = project.home / "wrapped" / "git"
    program.parent.mkdir()
    real = shutil.which("git")
    program.write_text(f"""#!/bin/sh
{real} "$@"; code=$?
case " $* " in *" worktree add "*) {waiting};; esac
exit $code
""")
    program.chmod(0o755)
    yield made
    made.open()


def _kill(pid: int) -> None:
    """End what a test left behind, which may be deaf to anything milder."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def port(project: Project) -> Iterator[int]:
    """A free port; every Mosquitto that runs from the project's folder has ended afterwards."""
    assert shutil.which("mosquitto", path="/usr/bin:/usr/sbin:/usr/local/sbin"), "Mosquitto is needed: make setup"
    yield free_port()
    for pid in mosquittos(project):
        _kill(pid)
    wait_until(lambda: not mosquittos(project))


def mosquittos(project: Project) -> list[int]:
    """The brokers whose configuration is under the project's temporary folder."""
    found = [(pid, arguments(pid)) for pid in pids()]
    return [pid for pid, words in found if words[:1] == ["mosquitto"] and str(project.home) in words[-1] and runs(pid)]
