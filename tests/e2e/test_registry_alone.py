"""A project that has a registry and no manifest: what was recorded is held against what is live."""

from __future__ import annotations

import json
import re

import pytest
from project import Project

CLAUDE, SHELL, FOUND = "lab-creator-claude", "lab-creator-shell", "x-creator-claude"
OTHER = "b3a7c1d2-1111-4222-8333-444455556666"


@pytest.fixture
def alone(project: Project) -> Project:
    """Two agents whose manifest is not there any more: the registry alone knows their server."""
    manifest = project.root / "reconciler.yaml"
    project.declare(claude={}, shell={})
    project.apply()
    manifest.unlink()
    return project


def test_drift_refresh_and_explain_hold_the_registry_against_what_is_live(alone: Project) -> None:
    assert "No drift" in alone.run("drift")
    alone.lose(SHELL)
    alone.tmux("new-session", "-d", "-s", FOUND, "sleep", "9999")
    alone.tmux("new-session", "-d", "-s", "my-dev-server", "sleep", "9999")
    said = alone.run("drift", code=2)
    assert f"A  {SHELL}: tmux session is gone; was pane %" in said
    assert f"B  {FOUND}: tmux session found, and not in the registry." in said
    assert "my-dev-server" not in said
    assert "Marked terminated" not in said
    why = alone.run("explain", SHELL)
    assert "This project has no manifest" in why
    assert f"A  {SHELL}: tmux session is gone; was pane %" in why
    assert alone.row(SHELL)["status"] == "running"
    written = alone.run("refresh")
    assert f"Written to the registry: {SHELL}, {FOUND}." in written
    assert (alone.row(SHELL)["status"], alone.row(FOUND)["status"]) == ("terminated", "running")
    assert "No drift" in alone.run("drift")
    assert "match the registry" in alone.run("refresh")


def test_an_agent_can_be_looked_at_and_put_to_rest(alone: Project) -> None:
    assert "in no manifest" in alone.run("status", CLAUDE)
    assert f"attach-session -t ={CLAUDE}" in alone.run("attach", CLAUDE, code=64)
    alone.run("stop", CLAUDE, "--reason", "later")
    row = alone.row(CLAUDE)
    assert (row["status"], row["termination_mode"], row["stopped_reason"]) == ("stopped", "user", "later")
    assert set(alone.live()) == {SHELL}
    alone.run("archive", SHELL)
    assert alone.row(SHELL)["status"] == "archived"
    assert alone.live() == {}
    assert "is archived" in alone.run("stop", SHELL, code=64)
    assert "has no live session" in alone.run("attach", SHELL, code=1)


def test_its_conversations_are_listed(alone: Project) -> None:
    where = alone.root / "lab"
    folder = alone.home / ".claude" / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(where))
    folder.mkdir(parents=True, exist_ok=True)
    said = {"type": "user", "sessionId": OTHER, "cwd": str(where), "timestamp": "2026-01-01T00:00:00Z"}
    (folder / f"{OTHER}.jsonl").write_text(json.dumps(said) + "\n")
    assert OTHER[:8] in alone.run("conversations")
    assert OTHER[:8] in alone.run("conversations", "lab")
    assert "there is no workspace elsewhere" in alone.run("conversations", "elsewhere", code=64)


@pytest.mark.parametrize("command", ["plan", "apply --auto-approve", "destroy --auto-approve"])
def test_what_follows_manifests_still_needs_one(alone: Project, command: str) -> None:
    assert "there is no manifest" in alone.run(*command.split(), code=64)
    assert "reconciler init" in alone.run("resume", CLAUDE, code=64)
    assert set(alone.live()) == {CLAUDE, SHELL}


def test_nothing_at_all_is_no_registry(project: Project) -> None:
    (project.root / "reconciler.yaml").unlink(missing_ok=True)
    for command in ("drift", "refresh"):
        assert "there is no manifest" in project.run(command, code=64)
