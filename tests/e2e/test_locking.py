"""One apply at a time: the second waits, or says who is at work."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Gate, Project
from waiting import wait_until


@pytest.fixture
def first(project: Project, repo: Path, gate: Gate) -> Iterator[subprocess.Popen[str]]:
    """An apply that is held up in the middle of its work."""
    project.write({"tree": {"path": "tree", "git": {"repo": str(repo), "branch": "wt"}, "agents": {"claude": {}}}})
    process = project.start("apply", "--auto-approve")
    wait_until(gate.reached.exists)
    yield process
    gate.open()
    process.communicate()


def test_a_second_apply_names_the_holder(project: Project, first: subprocess.Popen[str]):
    holder = f"pid {first.pid} ({getpass.getuser()}@{platform.node()}, apply, since 20"
    assert holder in project.apply(code=6)
    status = project.run("lock", "status")
    assert holder in status
    assert "the holder is alive" in status
    identifier = status.split()[-1]
    assert f"kill {first.pid}" in project.run("unlock", identifier, code=7)
    assert f"reconciler unlock {identifier}" in project.run("unlock", "0000", code=64)
    assert "an apply is running" in project.run("plan")


def test_a_second_apply_can_wait(project: Project, first: subprocess.Popen[str], gate: Gate):
    second = project.start("apply", "--auto-approve", "--lock-timeout", "30s")
    assert second.poll() is None
    gate.open()
    said, complaint = second.communicate()
    assert (first.wait(), second.returncode, complaint) == (0, 0, "")
    assert "No changes." in said
    assert list(project.live()) == ["tree-creator-claude"]
    assert "Nothing is locked." in project.run("lock", "status")


def test_the_lock_of_a_killed_apply_is_taken_over(project: Project, first: subprocess.Popen[str], gate: Gate):
    first.kill()
    first.communicate()
    gate.open()
    wait_until(lambda: not project.processes())  # git has finished what it began
    assert "the holder is dead" in project.run("lock", "status")
    said = project.apply()
    assert f"Note: took over the lock of pid {first.pid} (" in said
    assert list(project.live()) == ["tree-creator-claude"]
    assert project.actions() == {}


def test_a_lock_left_behind_can_be_removed_by_its_id(project: Project, first: subprocess.Popen[str], gate: Gate):
    first.kill()
    first.communicate()
    gate.open()
    identifier = project.run("lock", "status").split()[-1]
    assert project.json("unlock", identifier, code=0) == {"removed": identifier}
    assert "Nothing is locked." in project.run("lock", "status")
    assert not os.path.exists(project.registry.parent / "lock")
