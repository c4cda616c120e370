"""A permission that a real CLI asks for: nothing is typed over it, and it is answered from afar."""

from __future__ import annotations

import json

import pytest
from clis import ASKING, CLAUDE_NEW, CLAUDE_OLD, CLINE, CODEX, COPILOT, GEMINI, KILO, QWEN, Cli
from real_project import AGENT, TURN_SECONDS, RealProject
from stub import TOUCH, TOUCHED
from waiting import wait_until

from reconciler.jobs.permission_watcher import SCREEN

EVERY = [CLAUDE_OLD, CLAUDE_NEW, CODEX, GEMINI, QWEN, COPILOT, ASKING, KILO, CLINE]


@pytest.mark.parametrize("cli", EVERY, ids=str)
@pytest.mark.parametrize("answer", ["approve", "deny"])
def test_it_is_told_kept_from_prompts_and_answered_once(
    project: RealProject, broker: dict[str, str], cli: Cli, answer: str
):
    project.begin(cli)
    job = _submitted(project, broker)
    wait_until(lambda: project.agent()["state"] == "waiting", TURN_SECONDS)
    refused = project.attempt("job", "submit", "--agent", AGENT, "--prompt", "another", "--json", **broker)
    assert refused.returncode == 7, refused.stdout + refused.stderr
    assert not (project.folder / TOUCHED).exists()

    status = ("job", "status", "--job", job, "--json")
    asked = wait_until(lambda: json.loads(project.run(*status, **broker))["permission"])
    assert asked["tool"] == SCREEN
    assert TOUCHED in asked["what"]

    shown = json.loads(project.run("job", "answer", "--job", job, "--json", **broker))
    assert shown["request"] == asked["request"]
    project.run("job", "answer", "--job", job, "--request", shown["request"], answer, **broker)
    wait_until(lambda: project.agent()["state"] != "waiting", TURN_SECONDS)
    if answer == "approve":
        wait_until((project.folder / TOUCHED).exists)
    else:
        assert not (project.folder / TOUCHED).exists()
    assert json.loads(project.run(*status, **broker))["permission"] is None


def _submitted(project: RealProject, broker: dict[str, str]) -> str:
    words = ("job", "submit", "--agent", AGENT, "--prompt", TOUCH, "--wait-idle", "45s", "--detach", "--json")
    done = project.attempt(*words, **broker)
    job = json.loads(done.stdout.splitlines()[0])
    assert job["delivery"]["verdict"] == "submitted", (job["delivery"], project.screen(AGENT))
    return str(job["id"])
