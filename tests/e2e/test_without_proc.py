"""The same work on a system without /proc, as macOS is: psutil looks at processes there."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

import pytest
from project import Project, pids, runs
from waiting import wait_until

STAYS = "nohup sleep 1000 >/dev/null 2>&1 & exec sleep 1000"  # a child that no hang-up ends
SITE = 'from reconciler.ports import proc\nproc.ROOT = "/nowhere"\n'


@pytest.fixture
def no_proc(project: Project) -> Mapping[str, str]:
    """What hides /proc from each reconciler that is started with it, and from those that it starts."""
    folder = project.home / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    return {"PYTHONPATH": str(folder)}


def test_agents_are_started_seen_and_ended_with_what_they_started(project: Project, no_proc):
    types = {"helper": {"command": ["sh", "-c", STAYS]}}
    agents = {"claude": {}, "helper": {}}
    project.write({"lab": {"path": "lab", "agents": agents}}, agent_types=types)
    project.apply(**no_proc)
    helper = project.pane("lab-creator-helper").pid
    child = wait_until(lambda: _others_in_session(helper))
    assert project.actions(**no_proc) == {}
    assert "No drift" in project.run("drift", **no_proc)
    project.run("stop", "lab-creator-helper", **no_proc)
    assert not any(map(runs, [helper, *child]))
    project.run("destroy", "--auto-approve", **no_proc)
    assert project.live() == {}


def test_a_conversation_that_another_process_has_is_not_begun_twice(project: Project, no_proc):
    project.declare(claude={"prompt": "hello", "env": {"STANDIN_IGNORE": "HUP,TERM"}})
    project.apply(**no_proc)
    pid = project.pane("lab-creator-claude").pid
    wait_until(project.transcripts)
    project.tmux("kill-server")
    assert runs(pid)
    said = project.apply(code=7, **no_proc)
    assert f"process {pid} uses its conversation" in said
    assert project.live() == {}
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not runs(pid))
    project.apply(**no_proc)
    assert project.pane("lab-creator-claude").pid != pid


def test_a_system_that_shows_no_processes_says_so_once_in_each_command(project: Project, no_proc):
    site = project.home / "site" / "sitecustomize.py"
    site.write_text(f'import sys\nsys.modules["psutil"] = None\n{SITE}')
    project.declare(claude={})
    for words in (["apply", "--auto-approve"], ["plan"], ["drift"], ["status"], ["destroy", "--auto-approve"]):
        said = project.run(*words, **no_proc)
        assert said.count("Warning: the processes of this system cannot be seen") == 1, words
        assert "pip install psutil" in said
    assert project.live() == {}


def test_what_holds_a_lock_is_said_to_be_unknown_once_in_each_command(project: Project, no_proc):
    project.declare(codex={})
    project.apply(**no_proc)
    for words in (["status"], ["drift"], ["plan", "--refresh-only"]):
        said = project.attempt(*words, **no_proc)
        assert (said.stdout + said.stderr).count("this system does not show which process holds the lock") == 1, words
        without = project.attempt(*words)
        assert "holds the lock" not in without.stdout + without.stderr


def _others_in_session(leader: int) -> list[int]:
    return [pid for pid in pids() if pid != leader and runs(pid) and _session(pid) == leader]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0
