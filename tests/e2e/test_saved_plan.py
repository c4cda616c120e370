"""A saved plan is applied exactly as it was shown, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from project import Project
from waiting import wait_until

from reconciler.render.document import content_digest


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


def _edited(project: Project, edit: Callable[[Any], object], *, sealed: bool = False) -> str:
    """A plan that was saved and then edited; `sealed` gives it a digest that fits what it says now."""
    path = project.root / "saved"
    document = json.loads(path.read_text())
    edit(document)
    if sealed:
        document["digest"] = content_digest(document)
    path.write_text(json.dumps(document))
    return document["digest"]


_SESSION = ("session", "workspace", "role", "agent", "command", "cwd")
_EDITS = {
    "a step": lambda plan: plan["resource_changes"][1]["steps"].pop(),
    "what is done": lambda plan: plan["resource_changes"][1].update(actions=["no-op"]),
    "a changed value": lambda plan: plan["resource_changes"][1]["changes"][0].update(after="harmless"),
    "the counts": lambda plan: plan["summary"].update(add=0),
    "the options": lambda plan: plan["options"].update(targets=["workspace.lab"]),
    "a note": lambda plan: plan["resource_changes"][1].update(note="nothing to see"),
    "a session of another": lambda plan: plan["unmanaged"].append(dict.fromkeys(_SESSION, "x") | {"pid": 1}),
    "the place": lambda plan: plan["resource_changes"][1].update(file="elsewhere.yaml"),
    "a key of its own": lambda plan: plan.update(mine=1),
}


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS.keys())
def test_a_plan_that_was_edited_is_neither_shown_nor_applied(project: Project, edit: Callable[[Any], object]):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    digest = _edited(project, edit)
    for words in (("show", "saved"), ("apply", "saved"), ("apply", "saved", "--digest", f"sha256:{digest}")):
        said = project.run(*words, code=5)
        assert "saved was changed after it was made\n  -> plan again" in said
    assert project.live() == {}


@pytest.mark.parametrize("what", ["a step", "what is done", "a changed value", "the counts", "the options"])
def test_a_plan_that_shows_something_else_than_what_happens_is_not_applied(project: Project, what: str):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    approved = _edited(project, _EDITS[what], sealed=True)
    assert "the saved plan is stale" in project.run("apply", "saved", "--digest", approved, code=5)
    assert project.live() == {}


def test_the_digest_that_was_approved_is_that_of_the_whole_plan(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    approved = json.loads((project.root / "saved").read_text())["digest"]
    _edited(project, _EDITS["a note"], sealed=True)
    assert "not the one that was approved" in project.run("apply", "saved", "--digest", approved, code=7)
    assert project.live() == {}


def test_a_plan_may_be_written_in_another_way_and_read_from_another_folder(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    path = project.root / "saved"
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items())), separators=(",", ":")))
    project.run("apply", "saved")
    assert list(project.live()) == ["lab-creator-claude"]


def test_a_plan_of_an_older_reconciler_is_to_be_made_anew(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved")
    _edited(project, lambda plan: (plan.update(format_version="1.1"), plan.pop("basis")))
    for command in ("show", "apply"):
        assert "saved has format 1.1; this reconciler reads 1.3\n  -> plan again" in project.run(
            command, "saved", code=1
        )
    assert project.live() == {}


def test_a_plan_of_another_registry_is_told_as_such(project: Project):
    project.declare(claude={})
    project.apply()
    project.declare(claude={}, two={"type": "claude"})
    project.run("plan", "--out", "saved.plan")
    lineage = project.recorded()["lineage"]
    project.registry.write_text(project.registry.read_text().replace(lineage, "0" * len(lineage)))
    assert "Error: the plan is for another registry" in project.run("apply", "saved.plan", code=5)
