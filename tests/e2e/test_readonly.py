"""What only looks opens nothing for writing, and works in a project that nobody may write to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from project import Project

WATCHED = Path(__file__).parent / "watched.py"
LOOKING = [
    ["plan"],
    ["plan", "--json", "--destroy"],
    ["plan", "--refresh-only"],
    ["status"],
    ["show"],
    ["show", "agent.lab.claude"],
    ["validate"],
    ["unmanaged"],
    ["drift"],
    ["drift", "--intent", "--json"],
    ["drift", "--junit", "-"],
    ["plan", "--html", "-"],
    ["history", "agent.lab.claude"],
    ["lock", "status"],
]


@pytest.fixture
def looked_at(project: Project, repo: Path) -> Project:
    """A project that has agents, a worktree to think about, and something to be done."""
    tree = {"path": "tree", "git": {"repo": str(repo), "branch": "wt"}}
    project.write({"lab": {"path": "lab", "agents": {"claude": {}, "gone": {"type": "claude"}}}, "tree": tree})
    project.apply()
    project.lose("lab-creator-gone")
    return project


def test_looking_opens_nothing_for_writing(looked_at: Project):
    before = _state(looked_at.root)
    _set_writable(looked_at.root, writable=False)
    ends = [_watched(looked_at, *words) for words in LOOKING]
    _set_writable(looked_at.root, writable=True)
    drifted = ["drift"], ["drift", "--intent", "--json"], ["drift", "--junit", "-"]
    expected = [(2 if words in drifted else 0, "") for words in LOOKING]
    assert [(done.returncode, done.stderr) for done in ends] == expected
    assert _state(looked_at.root) == before


def test_an_offline_check_asks_no_process_and_opens_nothing_for_writing(looked_at: Project):
    before = _state(looked_at.root)
    done = _watched(looked_at, "drift", "--offline", ALONE="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "whether agents run as recorded" in done.stdout
    assert _state(looked_at.root) == before


def test_a_project_without_any_state_is_looked_at_without_leaving_a_trace(project: Project):
    project.declare(claude={})
    assert [_watched(project, command).returncode for command in ("plan", "status", "unmanaged")] == [0, 0, 0]
    assert os.listdir(project.root) == ["reconciler.yaml"]


def test_the_watch_notices_a_write(project: Project):
    project.declare(claude={})
    assert _watched(project, "plan", "--out", "saved").returncode == 99
    assert _watched(project, "drift", "--sarif", "saved").returncode == 99
    assert _watched(project, "drift", ALONE="1").returncode == 99, "tmux is asked"


def _watched(project: Project, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(WATCHED), *words]
    return subprocess.run(
        command, check=False, cwd=project.root, env={**project.env, **env}, capture_output=True, text=True
    )


def _state(root: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in [root, *root.rglob("*")]}


def _set_writable(root: Path, *, writable: bool) -> None:
    for path in [root, *root.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | 0o200 if writable else mode & ~0o222)
