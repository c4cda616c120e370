"""The verbs of every day on real CLIs: send, peek, last, status and answer, without a job and without a broker."""

from __future__ import annotations

import json

import pytest
from clis import ASKING, CLAUDE_NEW, CLAUDE_OLD, CLINE, CODEX, COPILOT, GEMINI, KILO, PI, QWEN, Cli
from real_project import AGENT, TURN_SECONDS, RealProject
from stub import ANSWER, TOUCH, TOUCHED
from waiting import wait_until

PROMPT = "Say anything."
EVERY = [CLAUDE_OLD, CLAUDE_NEW, CODEX, GEMINI, QWEN, COPILOT, ASKING, KILO, PI, CLINE]


@pytest.mark.parametrize("cli", EVERY, ids=str)
def test_a_real_agent_is_asked_read_and_answered(project: RealProject, cli: Cli):
    project.begin(cli)
    _sent(project, PROMPT)
    said = wait_until(lambda: _said(project, 2), TURN_SECONDS)
    assert [(each["role"], each["text"]) for each in said[:1]] == [("user", PROMPT)]
    assert ANSWER in said[-1]["text"]
    assert said[-1]["role"] == "assistant"
    wait_until(lambda: project.agent()["state"] == "idle", TURN_SECONDS)
    assert project.agent()["state_since"]

    if not cli.asks:
        return
    _sent(project, TOUCH)
    wait_until(lambda: project.agent()["waits_for"] == "permission", TURN_SECONDS)
    assert any(TOUCHED in line["text"] for line in json.loads(project.run("peek", AGENT, "--json"))["lines"])
    shown = _shown(project)
    assert _shown(project)["request"] == shown["request"]  # it is still the same asking
    project.run("answer", AGENT, "--request", shown["request"], "approve")
    wait_until((project.folder / TOUCHED).exists, TURN_SECONDS)


def _sent(project: RealProject, text: str) -> None:
    done = project.attempt("send", AGENT, text, "--wait-idle", "45s", "--json")
    verdict = json.loads(done.stdout)
    assert done.returncode == 0, (verdict, project.screen(AGENT))


def _said(project: RealProject, least: int) -> list[dict[str, str]]:
    """The messages of the last turn, once there are so many."""
    messages = json.loads(project.run("last", AGENT, "--json"))["messages"]
    return messages if len(messages) >= least else []


def _shown(project: RealProject) -> dict[str, str]:
    return json.loads(project.run("answer", AGENT, "--json"))
