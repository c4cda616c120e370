"""The keys with which the real CLIs submit, beside Enter: no question takes them for an answer."""

from __future__ import annotations

import pytest
from clis import CLAUDE_NEW, CODEX, COPILOT, QWEN, Cli
from real_project import AGENT, TURN_SECONDS, RealProject
from stub import TOUCH, TOUCHED
from waiting import wait_until

from reconciler.agents.catalogue import catalogue

PROMPT = "Remember the word larch."
SUBMIT = {name: profile.display.submit for name, profile in catalogue([]).items() if profile.display.submit}


@pytest.mark.parametrize("cli", [CLAUDE_NEW, CODEX, QWEN, COPILOT], ids=str)
def test_its_own_keys_submit_and_answer_no_question(project: RealProject, cli: Cli):
    project.begin(cli)
    _type(project, PROMPT)
    _press_until(project, cli, "idle")
    assert project.places(cli, PROMPT)

    _type(project, TOUCH)
    _press_until(project, cli, "waiting")
    for _ in range(5):
        _press(project, *SUBMIT[cli.name])
    assert project.agent()["state"] == "waiting"
    _press(project, "Escape")  # it comes behind those, and so has the answer to itself
    wait_until(lambda: project.agent()["state"] != "waiting", TURN_SECONDS)
    assert not (project.folder / TOUCHED).exists()


def _type(project: RealProject, text: str) -> None:
    _press(project, "-l", text)
    wait_until(lambda: text in project.screen(AGENT))


def _press_until(project: RealProject, cli: Cli, state: str) -> None:
    """What comes right behind a text is taken for a part of it by some; Codex asks nothing while keys are pressed."""
    before, presses = project.answers(cli), project.enters(*SUBMIT[cli.name])

    def is_done() -> bool:
        next(presses)
        return project.agent()["state"] == state and (state != "idle" or project.answers(cli) > before)

    wait_until(is_done, TURN_SECONDS)


def _press(project: RealProject, *keys: str) -> None:
    project.tmux("send-keys", "-t", f"={AGENT}:", *keys)
