"""One project through all that happens to it, which `make test-tmux` also tries with every tmux there is."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest
from project import Project, runs
from waiting import wait_until

ONE, TWO = "lab-creator-one", "lab-creator-two"


def version(project: Project) -> tuple[int, ...]:
    done = subprocess.run(["tmux", "-V"], check=True, capture_output=True, text=True, env=project.env)
    return tuple(map(int, re.findall(r"\d+", done.stdout)[:2]))


def declare(project: Project) -> None:
    project.declare(one={"type": "claude", "prompt": "hello"}, two={"type": "claude", "prompt": "hi"})


def conversations(project: Project) -> dict[str, str]:
    return {session: pane.conversation for session, pane in project.live().items()}


def test_a_tmux_that_can_be_used_carries_a_project_through_a_day_and_another_one_is_refused(project: Project):
    declare(project)
    if version(project) < (3, 2):
        assert "is too old: reconciler needs 3.2" in project.apply(code=1)
        assert not project.registry.exists()
        pytest.skip("this tmux is too old, and that was said")

    assert project.actions() == {
        "workspace.lab": "create",
        "agent.lab.one": "create",
        "agent.lab.two": "create",
    }
    project.apply()
    wait_until(lambda: len(project.transcripts()) == 2)
    first = conversations(project)
    assert project.actions() == {}
    assert "No changes." in project.apply()

    project.run("stop", ONE)
    assert set(project.live()) == {TWO}
    project.run("resume", ONE)
    assert conversations(project) == first

    project.reboot()
    assert {row["live"] for row in project.json("status")["agents"]} == {"gone"}
    project.apply()
    assert conversations(project) == first

    pid = project.pane(TWO).pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not runs(pid))
    project.run("drift", code=2)
    project.run("monitor", "--once")
    assert project.row(ONE)["status"] == "running"
    project.apply()
    assert conversations(project) == first
    assert project.actions() == {}

    project.run("destroy", "--auto-approve")
    assert project.live() == {}
