"""A drift check as a script sees it: exit codes, and what is accepted, pending, or not seen. No session is started."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator
from project import SCHEMAS, Project

REGISTRY = """\
version: 1
lineage: ours
serial: 1
sessions:
  lab-creator-claude:
    workspace: lab
    agent: claude
    role: creator
    status: running
"""
KNOWN = {"address": "agent.lab.claude", "path": "A", "until": "2999-12-31", "owner": "ann", "why": "it is moved"}


@pytest.fixture
def lost(project: Project) -> Project:
    """The registry says that an agent runs, and no tmux server does."""
    project.registry.parent.mkdir()
    project.registry.write_text(REGISTRY)
    return project


def _accepting(project: Project, **entry: str) -> None:
    agents = {"lab": {"path": "lab", "agents": {"claude": {}}}}
    project.write(agents, accept=[{**KNOWN, **entry}])


def _check(project: Project, *words: str, code: int) -> dict[str, Any]:
    document = project.json("drift", *words, code=code)
    Draft7Validator(json.loads((SCHEMAS / "drift.schema.json").read_text())).validate(document)
    return document


def test_what_is_accepted_is_listed_and_no_alarm(lost: Project):
    _accepting(lost)
    document = _check(lost, code=0)
    [accepted] = document["accepted"]
    assert (document["drifts"], document["in_sync"], accepted["owner"]) == ([], True, "ann")
    assert (accepted["file"], accepted["line"] > 1) == ("reconciler.yaml", True)
    told = lost.run("drift", code=0)
    assert "[A] (until 2999-12-31, ann: it is moved)" in told
    assert told.endswith("No drift except what is accepted.\n")
    assert "Accepted drift:" in lost.run("plan")


def test_what_was_accepted_too_long_ago_is_an_alarm_again(lost: Project):
    _accepting(lost, until="2001-01-01")
    document = _check(lost, code=2)
    assert [each["class"] for each in document["drifts"]] == ["A"]
    assert "was accepted until 2001-01-01" in document["diagnostics"][0]["summary"]


def test_what_accepts_nothing_is_an_error_of_the_check_and_of_nothing_else(lost: Project):
    _accepting(lost, path="pane.cwd")
    [said] = _check(lost, code=1)["diagnostics"]
    assert said["summary"] == "there is no drift pane.cwd of agent.lab.claude to accept"
    assert (said["file"], said["line"] > 1) == ("reconciler.yaml", True)
    assert lost.plan()["diagnostics"] == []


def test_manifests_that_are_not_applied_are_told_only_when_asked_and_apart(lost: Project):
    lost.write({"lab": {"path": "lab", "agents": {"claude": {}, "new": {"type": "claude"}}}})
    assert _check(lost, code=2)["resource_changes"] == []
    document = _check(lost, "--intent", code=2)
    assert [each["class"] for each in document["drifts"]] == ["A"]
    assert {each["address"] for each in document["resource_changes"]} == {
        "workspace.lab",
        "agent.lab.claude",
        "agent.lab.new",
    }
    assert "# agent.lab.new will be created" in lost.run("drift", "--intent", code=2).partition("Not applied yet:")[2]


def test_a_check_of_one_class_does_not_tell_the_others(lost: Project):
    _accepting(lost)
    assert _check(lost, "--class", "F", code=0)["accepted"] == []


def test_a_check_by_files_needs_a_registry(project: Project):
    project.declare(claude={})
    assert "there is no registry at .hermes/agent-sessions.yaml" in project.run("drift", "--offline", code=1)
    assert _check(project, "--offline", code=1)["diagnostics"][0]["fix"].startswith("commit the registry")
