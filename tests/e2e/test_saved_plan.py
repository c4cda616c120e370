"""A saved plan is applied exactly as it was shown, or not at all."""

from __future__ import annotations

import json

import pytest
from project import Project
from waiting import wait_until


def test_a_saved_plan_is_applied_without_a_question(project: Project):
    project.declare(claude={})
    shown = project.attempt("plan", "--out", "saved").stdout
    assert (project.root / "saved").stat().st_mode & 0o777 == 0o600
    assert project.run("show", "saved") == shown
    said = project.run("apply", "saved")
    assert "Apply complete! Resources: 2 added" in said
    assert list(project.live()) == ["lab-creator-claude"]


def test_a_first_plan_is_stale_once_something_was_applied(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    project.apply()
    before = project.live()
    said = project.run("apply", "saved", code=5)
    assert "Error: the saved plan is stale" in said
    assert "the registry has changed" in said
    assert project.live() == before


def test_a_first_plan_is_stale_once_the_live_world_has_changed(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    (project.root / "lab").mkdir()
    said = project.run("apply", "saved", code=5)
    assert "live sessions, folders or conversations have changed" in said
    assert project.live() == {}


def test_a_plan_is_stale_once_a_manifest_has_changed(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    project.declare(claude={"role": "reviewer"})
    assert "the manifests have changed" in project.run("apply", "saved", code=5)
    assert project.live() == {}


def test_a_plan_is_stale_once_another_agent_is_gone_or_a_conversation_has_begun(project: Project):
    project.declare(one={"type": "claude"}, two={"type": "claude", "args": ["--verbose"]})
    project.apply()
    project.declare(one={"type": "claude"}, two={"type": "claude"})
    project.run("plan", "--out", "saved")
    project.type("lab-creator-two", "a first word")
    wait_until(project.transcripts)
    wait_until(lambda: project.activity(project.pane("lab-creator-two").pid) == "idle")
    before = project.live()
    said = project.run("apply", "saved", code=5)
    assert "live sessions, folders or conversations have changed" in said
    project.run("plan", "--out", "saved")
    project.lose("lab-creator-one")
    project.run("apply", "saved", code=5)
    assert project.live() == {"lab-creator-two": before["lab-creator-two"]}


def test_a_saved_plan_to_destroy_destroys(project: Project):
    project.declare(claude={})
    project.apply()
    project.run("plan", "--destroy", "--out", "saved")
    assert "Destroy complete! Resources: 2 destroyed." in project.run("apply", "saved")
    assert project.live() == {}


@pytest.mark.parametrize("content", ["not JSON", '{"format_version": 1, "digest": "", "options": {}}'])
def test_another_file_is_not_taken_for_a_plan(project: Project, content: str):
    project.declare(claude={})
    (project.root / "saved").write_text(content)
    assert "saved is not a saved plan" in project.run("apply", "saved", code=64)
    assert project.live() == {}


def test_a_saved_plan_is_applied_only_with_the_digest_that_was_approved(project: Project):
    project.declare(claude={})
    said = project.run("plan", "--out", "saved")
    digest = json.loads((project.root / "saved").read_text())["digest"]
    assert f"--digest sha256:{digest}" in said
    assert "not the one that was approved" in project.run("apply", "saved", "--digest", "sha256:0", code=7)
    assert "--approve names resume" in project.run("apply", "saved", "--approve", "resume", code=7)
    assert project.live() == {}
    project.run("apply", "saved", "--digest", f"sha256:{digest}")
    assert list(project.live()) == ["lab-creator-claude"]
    project.run("apply", "--digest", digest, code=64)


def test_a_plan_of_another_registry_is_told_as_such(project: Project):
    project.declare(claude={})
    project.apply()
    project.declare(claude={}, two={"type": "claude"})
    project.run("plan", "--out", "saved.plan")
    lineage = project.recorded()["lineage"]
    project.registry.write_text(project.registry.read_text().replace(lineage, "0" * len(lineage)))
    assert "the plan was made for another registry" in project.run("apply", "saved.plan", code=5)
