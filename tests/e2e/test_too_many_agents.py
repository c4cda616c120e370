"""A tmux server gets no more agents than it can hold: out of files, it would answer nothing any more."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from project import Project
from waiting import PATIENCE

MANY = 30


@pytest.fixture
def small(project: Project) -> int:
    """A server that may open 60 files; its pid."""
    start = 'ulimit -S -n 60; ulimit -H -n 2000; exec tmux -S "$0" -f /dev/null new-session -d -s mine "sleep 1000"'
    subprocess.run(["sh", "-c", start, str(project.socket)], check=True, env=project.env, timeout=PATIENCE)
    return int(project.tmux("display-message", "-p", "#{pid}"))


def declare(project: Project, count: int) -> None:
    asleep = {"command": ["sleep", "1000"]}
    agents = {f"a{n}": {"type": "asleep"} for n in range(count)}
    project.write({"lab": {"path": "lab", "agents": agents}}, agent_types={"asleep": asleep})


def test_more_agents_than_the_server_can_hold_are_refused_before_any_is_started(project: Project, small: int):
    declare(project, MANY)

    said = project.apply(code=7)

    assert f"the tmux server cannot hold {MANY} more agents" in said
    assert f"(pid {small}) may open 60 files" in said
    assert f"prlimit --pid {small} --nofile=2000:" in said
    assert set(project.live()) == {"mine"}
    assert not project.registry.exists()


def test_what_fits_is_started_and_a_raised_limit_lets_in_the_rest(project: Project, small: int):
    declare(project, 8)
    project.apply()
    declare(project, MANY)
    project.apply(code=7)

    subprocess.run(["prlimit", "--pid", str(small), "--nofile=2000:"], check=True, timeout=PATIENCE)
    project.apply()
    assert len(project.live()) == MANY + 1
    assert project.actions() == {}


def test_a_tmux_that_is_too_old_is_refused_before_it_starts_a_server(project: Project):
    program = project.home / "old" / "tmux"
    program.parent.mkdir()
    script = f'#!/bin/sh\ncase "$*" in *-V*) echo "tmux 3.1c";; *) echo "$@" >> {project.home}/asked; exit 1;; esac\n'
    program.write_text(script.replace("; exit 1", "; echo 'no server running on x' >&2; exit 1"))
    program.chmod(0o755)
    declare(project, 2)

    said = project.apply(code=1, PATH=f"{program.parent}:{project.env['PATH']}")

    assert "tmux 3.1c is too old: reconciler needs 3.2 or newer" in said
    assert "new-session" not in Path(project.home / "asked").read_text()
    assert not project.registry.exists()
