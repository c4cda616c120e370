"""Manifests that include others."""

from __future__ import annotations

import json

from project import Project


def _write(project: Project, path: str, **content: object) -> None:
    file = project.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 1, **content}) + "\n")


def _lab(project: Project, *includes: str) -> None:
    project.write({"lab": {"path": "lab", "agents": {"mine": {}}}}, include=[*includes])


def test_types_and_defaults_of_the_user_are_included(project: Project):
    _lab(project, "~/.config/reconciler/*.yaml", "sub/a.yaml")
    _write(project, "project/sub/a.yaml", include=["b.yaml"])
    _write(project, "project/sub/b.yaml", defaults={"agent": {"role": "helper"}})
    _write(project, ".config/reconciler/types.yaml", agent_types={"mine": {"extends": "shell"}})
    project.apply()
    assert {*project.live()} == {"lab-helper-mine"}
    assert project.actions() == {}
    _write(project, "project/sub/b.yaml", defaults={"agent": {"role": "other"}})
    assert project.actions() != {}


def test_a_rollback_leaves_included_files_outside_of_the_project(project: Project):
    types = project.home / ".config" / "types.yaml"
    _write(project, ".config/types.yaml", agent_types={"mine": {"extends": "shell"}})
    _lab(project, "~/.config/types.yaml")
    project.apply()
    project.write({"lab": {"path": "lab", "agents": {}}}, include=["~/.config/types.yaml"])
    _write(project, ".config/types.yaml", agent_types={"mine": {"extends": "shell"}, "more": {"extends": "shell"}})
    project.apply("--max-destroy", "1")
    before = types.read_bytes()
    project.run("rollback", "1", "--auto-approve")
    assert types.read_bytes() == before
    assert {*project.live()} == {"lab-creator-mine"}


def test_an_agent_is_created_and_deleted_in_the_included_file_that_declares_its_workspace(project: Project):
    shop = project.root / "sub" / "shop.yaml"
    shop.parent.mkdir()
    text = "version: 1\nworkspaces:\n  shop:\n    path: ../shop\n    agents:\n      shell: {} # stays\n"
    shop.write_text(text)
    project.write({"lab": {"path": "lab", "agents": {}}}, include=["sub/shop.yaml"])
    own = (project.root / "reconciler.yaml").read_bytes()
    project.run("create", "shop", "--agent", "shell", "--name", "two", "--auto-approve")
    assert shop.read_text() == text + "      two: {type: shell}\n"
    project.run("delete", "shop-creator-two", "--yes")
    assert shop.read_text() == text
    assert (project.root / "reconciler.yaml").read_bytes() == own


def test_missing_and_remote_files_and_cycles_are_told_with_their_place(project: Project):
    _lab(project, "none.yaml", "https://example.org/a.yaml", "git@host:a.yaml", "sub", "sub/*.yml", "sub/a.yaml")
    _write(project, "project/sub/a.yaml", include=["../reconciler.yaml"])
    said = project.run("plan", code=1)
    lines = (project.root / "reconciler.yaml").read_text().splitlines()
    for name, told in [
        ("none.yaml", "`include`: none.yaml does not exist"),
        ("https", "`https://example.org/a.yaml` is not a file on this machine"),
        ("git@", "`git@host:a.yaml` is not a file on this machine"),
        ('"sub"', "`sub` is a folder"),
    ]:
        line = next(number for number, text in enumerate(lines, 1) if name in text)
        assert f"{told}\n  reconciler.yaml:{line}:" in said
    assert "a cycle of includes: reconciler.yaml -> a.yaml -> reconciler.yaml\n  sub/a.yaml:1:" in said
