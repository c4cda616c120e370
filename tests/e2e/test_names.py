"""A name is code to tmux; one that could be is refused before tmux hears of it."""

from __future__ import annotations

import pytest
from project import Project

NAMES = [
    "#(touch ran)",
    "#{pane_id}",
    ".",
    "a.b",
    ":",
    "a:b",
    "-x",
    "",
    "two words",
    "a\nb",
    "ü",
    "=lab",
    "$(touch ran)",
]


@pytest.mark.parametrize("command", ["validate", "apply"])
def test_no_bad_name_reaches_tmux(project: Project, command: str):
    named = {
        name: {"path": f"folder{number}", "agents": {name: {"type": "claude"}}} for number, name in enumerate(NAMES)
    }
    roles = {f"agent{number}": {"type": "claude", "role": name} for number, name in enumerate(NAMES)}
    project.write({**named, "roles": {"path": ".", "agents": roles}})
    spy = project.home / "bin"
    spy.mkdir()
    (spy / "tmux").write_text(f"#!/bin/sh\ntouch {project.home}/heard\n")
    (spy / "tmux").chmod(0o755)
    said = project.run(
        command, *(["--auto-approve"] if command == "apply" else []), code=1, PATH=f"{spy}:/usr/bin:/bin"
    )
    assert f"{3 * len(NAMES)} mistakes in the manifests" in said
    assert all(f"reconciler.yaml:{line}:" in said for line in _lines(project))
    assert not list(project.home.rglob("heard"))
    assert not list(project.home.rglob("ran"))


def _lines(project: Project) -> list[int]:
    """Where the manifest holds a bad role."""
    text = (project.root / "reconciler.yaml").read_text().splitlines()
    return [number for number, line in enumerate(text, 1) if '"role":' in line]


def test_attach_without_a_terminal_says_what_to_type(project: Project):
    project.declare(claude={})
    project.apply()
    said = project.run("attach", "lab-creator-claude", code=64)
    assert "attach needs a terminal" in said
    assert f"tmux -u -S {project.socket} attach-session -t =lab-creator-claude" in said
