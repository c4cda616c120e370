"""What a command leaves that is killed while it writes, and who takes it away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from project import SECONDS, Project, environment
from waiting import wait_until

CANARY = "canary-on-its-way"
# The command, killed as its n-th file is about to get its name.
DYING = """
import os, signal, sys
left, real = int(sys.argv[1]), {"replace": os.replace, "link": os.link}
def dying(name):
    def call(*given, **how):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real[name](*given, **how)
    return call
os.replace, os.link = dying("replace"), dying("link")
from reconciler.cli.run import run
sys.exit(run(sys.argv[2:]))
"""


def killed_at(project: Project, moment: int, *words: str) -> bool:
    """Run a command that is killed at its `moment`-th file; False when it came to its end before."""
    command = [sys.executable, "-c", DYING, str(moment), *words]
    done = subprocess.run(
        command, check=False, cwd=project.root, env=project.env, capture_output=True, stdin=subprocess.DEVNULL,
        timeout=SECONDS, text=True,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stdout + done.stderr
    return done.returncode != 0


def unfinished(project: Project) -> list[str]:
    return [name for name in project.files() if name.endswith(".tmp")]


@pytest.mark.parametrize("line", ["apply --auto-approve", "create lab --agent shell --name n{} --auto-approve"])
def test_the_next_change_removes_what_killed_writers_left(project: Project, line: str):
    project.declare(one={"type": "shell"})
    moments = seen = 0
    while killed_at(project, moments, *line.format(moments).split()):
        moments += 1
        seen += len(unfinished(project))

    project.declare(one={"type": "shell"}, other={"type": "shell"})
    project.apply("--max-destroy", "99")

    assert moments > 2
    assert seen > 0
    assert unfinished(project) == []


def runtime_of(project: Project) -> Path:
    folder = project.home / "runtime"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def has_secret(project: Project) -> bool:
    with suppress(LookupError, OSError, subprocess.SubprocessError):
        return "TOKEN" in environment(project.pane("lab-creator-one").pid)
    return False


MOMENTS: dict[str, Callable[[Project], object]] = {
    "locked": lambda project: (project.root / ".hermes" / "lock").exists(),
    "recorded": lambda project: project.registry.exists(),
    "the socket waits": lambda project: list(runtime_of(project).glob("reconciler-*/*")),
    "tmux runs": lambda project: project.tmux("list-sessions"),
    "the session is there": lambda project: "lab-creator-one" in project.tmux("list-sessions", "-F", "#S"),
    # The next apply has nothing to start then, and clears up all the same.
    "the agent has it": has_secret,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_secret_is_on_disk_after_a_kill_at_any_moment(project: Project, moment: str):
    project.declare(one={"type": "shell", "env": {"TOKEN": {"from_env": "MY_TOKEN"}}})
    caller = {"MY_TOKEN": CANARY, "XDG_RUNTIME_DIR": str(runtime_of(project)), "TMPDIR": str(project.home)}

    with project.start("apply", "--auto-approve", **caller) as dying:
        wait_until(lambda: MOMENTS[moment](project))
        dying.kill()

    assert [name for name, data in project.files().items() if CANARY.encode() in data] == []
    project.apply(**caller)
    assert environment(project.pane("lab-creator-one").pid)["TOKEN"] == CANARY
    assert os.listdir(runtime_of(project)) == []
