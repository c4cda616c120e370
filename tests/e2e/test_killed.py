"""What a killed command left on the tmux server is in nobody's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from older import OLDER
from project import Project, runs
from waiting import PATIENCE, wait_until

ONE = "lab-creator-one"


@pytest.fixture
def orphan(project: Project) -> Iterator[int]:
    """The pid of such a client."""
    words = [sys.executable, "-c", OLDER, str(project.socket)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=project.env, timeout=PATIENCE)
    yield int(done.stdout)
    if runs(int(done.stdout)):
        os.kill(int(done.stdout), signal.SIGKILL)


def holders(project: Project) -> list[str]:
    return [name for name in project.tmux("list-sessions", "-F", "#S").split() if name.startswith("_reconciler-")]


def test_what_changes_something_ends_the_holder_session_of_a_killed_apply_and_what_looks_does_not(project: Project):
    project.declare(one={"type": "claude"})
    project.apply()
    project.declare(one={"type": "claude"}, two={"type": "claude"})
    go_on = project.home / "go-on"
    project.tmux("set-hook", "-g", "after-new-session", f"run-shell 'until [ -e {go_on} ]; do sleep 0.02; done'")
    applying = project.start("apply", "--auto-approve")
    wait_until(lambda: holders(project))
    applying.kill()
    applying.communicate()
    project.tmux("set-hook", "-gu", "after-new-session")
    go_on.touch()

    project.run("status")
    project.attempt("plan")
    assert holders(project)
    assert "that a killed reconciler command left behind" in project.run("resume", ONE)
    assert not holders(project)


def test_a_jammed_server_is_told_of_with_a_way_out_and_the_next_apply_takes_it(project: Project, orphan: int):
    project.declare(one={"type": "claude"})
    project.tmux("kill-server")

    said = project.run("status", code=1)
    assert f"kill {orphan}" in said
    assert project.plan()["diagnostics"][0]["fix"].startswith(f"kill {orphan}")
    project.apply()
    assert list(project.live()) == [ONE]
    assert not runs(orphan)


@pytest.mark.parametrize("ending", [signal.SIGHUP, signal.SIGKILL])
def test_a_restart_that_is_killed_right_after_its_start_has_started_the_agent(project: Project, ending: int):
    """Its new pane is in no registry yet; the pane that was recorded is gone."""
    project.declare(one={"type": "claude"}, two={"type": "shell"})  # the second keeps the tmux server
    project.apply()
    before = project.pane(ONE).pid
    restarting = project.start("restart", ONE)
    wait_until(lambda: (pane := project.live().get(ONE)) is not None and pane.pid != before)
    restarting.send_signal(ending)
    restarting.communicate()
    now = project.pane(ONE).pid

    agent = project.json("status")["agents"][0]
    assert (agent["live"], agent["pid"]) == ("alive", now), agent
    assert project.actions() == {}, "the agent runs as it should"
    project.apply()
    assert project.pane(ONE).pid == now
    row = project.row(ONE)
    assert (row["status"], row["pane"]["pid"]) == ("running", now)
    project.run("drift", code=0)


def test_a_restart_that_is_killed_between_end_and_start_is_finished_by_the_next_apply(project: Project):
    project.declare(one={"type": "claude", "prompt": "hello"}, two={"type": "shell"})
    project.apply()
    wait_until(lambda: "canned reply" in project.screen(ONE))
    agent = project.json("status")["agents"][0]
    restarting = project.start("restart", ONE)
    wait_until(lambda: not runs(agent["pid"]))
    restarting.kill()
    restarting.communicate()

    project.apply()
    again, _ = project.json("status")["agents"]
    assert (again["live"], again["conversation"]) == ("alive", agent["conversation"])
    assert project.actions() == {}
