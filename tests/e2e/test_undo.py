"""What a command by name did is one line, and the command in it that undoes it brings back the state from before."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from jsonschema import Draft7Validator
from project import Project
from waiting import wait_until

from reconciler.state.schemas import load_schema

MANIFEST = """version: 1
tmux: {{socket_path: {socket}}}
workspaces:
  lab:
    path: lab
    agents:
      # the one that thinks
      claude: {{prompt: hello, role: thinker}}
      codex: {{prompt: hello}}
      other:
        type: claude
"""


def _state(project: Project) -> dict[str, object]:
    """Of each agent what is recorded, whether it lives, and its conversation; and the manifest."""
    rows = project.json("status", code=0)["agents"]
    agents = {row["address"]: (row["status"], row["live"], row["conversation"]) for row in rows}
    return {**agents, "manifest": (project.root / "reconciler.yaml").read_text()}


def _did(project: Project, *words: str) -> str:
    """The line about the one agent."""
    said = project.run(*words)
    (line,) = [line for line in said.splitlines() if re.match(r"[A-Z][a-z]+ed \S+\.\S+", line)]
    assert "Apply complete" not in said
    return line


def _undo(line: str) -> list[list[str]]:
    commands = line.partition(" Undo: ")[2]
    return [shlex.split(command)[1:] for command in filter(None, commands.split(" && "))]


@pytest.fixture
def lab(project: Project) -> Project:
    (project.root / "reconciler.yaml").write_text(MANIFEST.format(socket=project.socket))
    project.apply()
    wait_until(project.transcripts)
    wait_until(lambda: project.json("status", "claude")["agents"][0]["detail"]["resumable"])
    return project


def test_every_way_back_is_one_that_leads_back(lab: Project):
    steps = [  # the first are undone one after the other, and each is done again for the next
        ("stop", "lab.claude", "--reason", "lunch"),
        ("archive", "lab.claude"),
        ("stop", "lab.claude"),
        ("resume", "lab.claude"),
        ("stop", "claude"),
        ("resume", "claude", "--fresh"),
        ("create", "lab", "--agent", "claude", "--name", "new", "-y"),
        ("create", "shop", "--agent", "shell", "-y"),
        ("delete", "lab.codex", "-y"),
        ("delete", "lab.claude", "-y"),
    ]
    for step in steps:
        before = _state(lab)
        line = _did(lab, *step)
        after = _state(lab)
        assert after != before, step
        assert _undo(line), line
        for command in _undo(line):
            lab.run(*command, *(["-y"] if command[0] in {"delete", "rollback"} else []))
        assert _state(lab) == before, (step, line)
        if step[0] not in {"create", "delete"}:
            lab.run(*step)


def test_a_line_says_what_is_done_and_promises_nothing_that_is_not_so(lab: Project):
    assert re.fullmatch(r"Restarted lab\.claude \(conversation \w{8}\.\.\.\)\.", _did(lab, "restart", "claude"))
    lab.run("stop", "other")
    assert lab.run("stop", "lab-creator-other") == "No changes: lab.other is already stopped.\n"
    assert (
        lab.run("resume", "agent.lab.claude", "agent.lab.codex")
        == "No changes: lab.claude, lab.codex are already running.\n"
    )

    lab.lose("lab-creator-codex")
    assert "Undo" not in _did(lab, "resume", "codex")  # it was lost, which nobody wants back
    (lab.root / "reconciler.yaml").write_text((lab.root / "reconciler.yaml").read_text() + "# not applied\n")
    assert "Undo" not in _did(lab, "delete", "other", "-y")  # going back would lose that edit
    assert "Undo" not in _did(lab, "delete", "codex", "--purge-conversation", "-y")


def test_a_warning_does_not_bring_the_plan_back(project: Project):
    project.declare(gemini={"prompt": "hello"})
    project.apply()
    wait_until(lambda: project.json("status", "gemini")["agents"][0]["detail"]["resumable"])
    project.run("stop", "gemini")
    said = project.run("resume", "gemini")
    assert "Warning: gemini can lose a conversation that it resumes" in said
    assert "Undo: reconciler stop lab.gemini" in said
    assert "will be resumed" not in said
    assert "Plan:" not in said


def test_a_program_gets_the_same_and_what_is_put_off_is_still_shown_in_full(lab: Project):
    lab.type("lab-thinker-claude", "please hang")
    wait_until(lambda: lab.json("status", "claude")["agents"][0]["state"] == "busy")
    said = lab.run("stop", "claude", code=7)
    assert "is deferred" in said
    assert "it is busy" in said

    lines = [json.loads(line) for line in lab.run("stop", "lab-creator-other", "--json").splitlines()]
    for line in lines:
        Draft7Validator(load_schema("event")).validate(line)
    (deed,) = [line["deed"] for line in lines if "deed" in line]
    assert deed == {"name": "lab.other", "deed": "stopped", "undo": "reconciler resume lab.other"}
    applied = [json.loads(line) for line in lab.run("apply", "--auto-approve", "--json", "--force").splitlines()]
    assert not any("deed" in line for line in applied)
