"""A prompt that is handed to a real CLI: what the verdict says is what the CLI stored."""

from __future__ import annotations

import json

import pytest
from clis import CLAUDE_NEW, CLAUDE_OLD, CODEX, COPILOT, GEMINI, KILO, OPENCODE, PI, QWEN, Cli
from real_project import AGENT, START_SECONDS, RealProject
from waiting import wait_until

EVERY = [CLAUDE_OLD, CLAUDE_NEW, GEMINI, QWEN, COPILOT, CODEX, OPENCODE, KILO, PI]
PROMPTS = {
    "short": "Remember the word larch.",
    "lines": "First line; with 'quotes' and \"more\".\n- second: größer 日本\n\nlast",
    "2 KB": "The word is alder. " * 110,
    "30 KB": "The word is aspen. " * 1600,
}


@pytest.mark.parametrize("cli", EVERY, ids=str)
def test_a_delivered_prompt_is_stored_by_the_cli_and_called_submitted(
    project: RealProject, broker: dict[str, str], cli: Cli
) -> None:
    project.begin(cli)
    for what, prompt in PROMPTS.items():
        words = ("job", "submit", "--agent", AGENT, "--prompt", prompt, "--wait-idle", "45s", "--detach", "--json")
        done = project.attempt(*words, **broker)
        job = json.loads(done.stdout.splitlines()[0])
        verdict = job["delivery"]["verdict"]
        assert verdict == "submitted", (what, job["delivery"], project.screen(AGENT))
        assert wait_until(lambda id_=job["id"]: project.places(cli, id_)), what  # some are stored a moment later
        wait_until(lambda: project.answers(cli), START_SECONDS)  # OpenCode stores no other prompt during its first turn
