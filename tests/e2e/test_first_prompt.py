"""A first prompt counts as taken when something shows it."""

from __future__ import annotations

import json

import pytest
from project import Project

PROMPT = "Read AGENTS.md, then wait."


@pytest.mark.parametrize("cli", ["claude", "codex", "gemini", "qwen", "copilot", "opencode", "kilo", "pi", "cline"])
def test_a_prompt_that_was_taken_is_no_news(project: Project, cli: str):
    project.declare(it={"type": cli, "prompt": PROMPT})
    assert "Not verified" not in project.apply()


def test_a_prompt_that_the_cli_dropped_is_told_with_what_to_do(project: Project):
    """Waits as long as a CLI is given: the one test here that takes many seconds."""
    project.declare(it={"type": "copilot", "prompt": PROMPT, "env": {"STANDIN_DROPS": "1"}}, other={"type": "copilot"})
    done = project.attempt("apply", "--auto-approve", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    [told] = [line for line in lines if line["type"] == "prompt_unverified"]
    assert (told["address"], told["action"]) == ("agent.lab.it", "create")
    assert told["message"].startswith("nothing shows that it took its first prompt")
    assert "reconciler attach lab-creator-it" in told["message"]
    assert (lines[-1]["exit_code"], lines[-1]["remaining"], done.returncode) == (3, ["agent.lab.it"], 3)
    [note] = [agent["note"] for agent in project.json("status")["agents"] if agent["address"] == "agent.lab.it"]
    assert note.startswith("nothing shows that it took its first prompt")
    project.apply()  # it runs as it is wanted


def test_a_prompt_behind_a_start_dialog_is_told_at_once(project: Project):
    project.declare(it={"type": "claude", "prompt": PROMPT, "env": {"STANDIN_DIALOG": "trust"}})
    said = project.apply(code=3)
    assert "agent.lab.it: Created" in said
    assert "agent.lab.it: Not verified: nothing shows that it took its first prompt (its trust dialog is open" in said
    assert "Not done: agent.lab.it." in said


def test_a_type_that_leaves_no_trace_of_a_prompt_is_not_waited_for(project: Project):
    types = {"mute": {"command": ["cat"], "new": ["-u"], "resume": ["-u", "{session_id}"]}}
    project.write({"lab": {"path": "lab", "agents": {"it": {"type": "mute", "prompt": "-"}}}}, agent_types=types)
    assert "Not verified" not in project.apply()
