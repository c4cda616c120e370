"""The first Ctrl-C finishes what is under way, the second stops at once."""

from __future__ import annotations

import signal
from pathlib import Path

from project import Gate, Project
from waiting import wait_until


def test_an_interrupted_apply_finishes_what_runs_and_names_the_rest(project: Project):
    project.declare(**{name: {"type": "claude"} for name in ("one", "two", "three")})
    applying = project.start("apply", "--auto-approve", "--parallelism", "1")
    wait_until(lambda: len(project.live()) == 1)
    applying.send_signal(signal.SIGINT)
    said, complaint = applying.communicate()
    assert applying.returncode == 130, said + complaint
    assert "finishing the running actions" in complaint
    assert "agent.lab.one: Created" in said
    assert "Not done: agent.lab.three, agent.lab.two." in said
    assert list(project.live()) == ["lab-creator-one"]
    assert project.row("lab-creator-one")["status"] == "running"
    assert project.actions() == {"agent.lab.three": "create", "agent.lab.two": "create"}
    project.apply()
    assert len(project.live()) == 3


def test_a_second_interrupt_stops_at_once(project: Project, repo: Path, gate: Gate):
    project.write({"tree": {"path": "tree", "git": {"repo": str(repo), "branch": "wt"}, "agents": {"claude": {}}}})
    applying = project.start("apply", "--auto-approve")
    wait_until(gate.reached.exists)
    applying.send_signal(signal.SIGINT)
    assert "Ctrl-C again stops at once" in "".join(applying.stderr.readline() for _ in range(2))
    assert applying.poll() is None
    applying.send_signal(signal.SIGINT)
    wait_until(lambda: applying.poll() is not None)
    applying.communicate()
    assert applying.returncode == 130
    assert project.live() == {}
    assert "Nothing is locked." in project.run("lock", "status")
