"""A tmux server that cannot be started is told by the plan: where it is named, what is wrong, and what to type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import Project

AGENT = {"lab": {"path": "lab", "agents": {"claude": {}}}}


def write(project: Project, **tmux: str) -> None:
    project.write(AGENT, tmux=tmux)


def refused(project: Project, **env: str) -> list[str]:
    """What plan, apply and validate say of it; none of them does anything."""
    said = [project.run("plan", code=1, **env), project.apply(code=1, **env), project.run("validate", **env)]
    assert not (project.root / "lab").exists()
    assert all("will be created" not in each or "agent.lab" not in each for each in said)
    return said


def test_a_socket_in_a_missing_folder(project: Project):
    folder = project.home / "run" / "agents"
    write(project, socket_path=str(folder / "t"))
    for said in refused(project):
        assert f"the folder of the tmux socket does not exist: {folder}" in said
        assert f"mkdir -p -m 700 {folder}" in said
        assert "reconciler.yaml:4:" in said


def test_a_file_where_the_socket_would_be_stays(project: Project):
    notes = project.home / "notes"
    notes.write_text("precious")
    write(project, socket_path=str(notes))
    for said in refused(project):
        assert f"{notes} is not a tmux socket" in said
        assert "reconciler.yaml:4:" in said
    assert notes.read_text() == "precious"


def test_a_folder_of_sockets_that_others_may_use(project: Project, tmp_path: Path):
    folder = tmp_path / f"tmux-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o755)
    write(project, socket="mine")
    for said in refused(project, TMUX_TMPDIR=str(tmp_path)):
        assert f"tmux refuses {folder}: other users have access to it" in said
        assert f"chmod 700 {folder}" in said
        assert "reconciler.yaml:4:" in said


@pytest.mark.parametrize("command", ["plan", "validate", "apply"])
def test_a_socket_path_that_is_too_long(project: Project, command: str):
    path = f"{project.home}/{'x' * 110}"
    write(project, socket_path=path)
    said = project.run(command, *(["--auto-approve"] if command == "apply" else []), code=1)
    assert f"the path of the tmux socket is too long: {len(path)} bytes" in said
    assert "choose a shorter" in said
    assert "reconciler.yaml:4:" in said
