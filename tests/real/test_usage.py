"""The tokens that the real CLIs store: what `usage` adds up is what ccusage finds in the same files.

Money is not compared, since the two have other rules. ccusage counts thoughts of Gemini and OpenCode in its total
alone, and cached input of Qwen as input, too. It leaves out what Qwen's subagents and its memory used. It is not asked
about Cline and Kilo: what `usage` adds up is what the stub told.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clis import CLAUDE_NEW, CLAUDE_OLD, CLINE, CODEX, COPILOT, GEMINI, KILO, OPENCODE, PI, QWEN, Cli
from install import installed
from real_project import AGENT, RealProject
from stub import CACHED, INPUT, OUTPUT

CCUSAGE = ("ccusage", "20.0.24")
EVERY = [CLAUDE_OLD, CLAUDE_NEW, CODEX, GEMINI, QWEN, COPILOT, replace(COPILOT, version="1.0.68"), OPENCODE, PI]
PROMPTS = ("Remember the word larch.", "Say that word again.", "And a third time.")


@pytest.mark.parametrize("cli", EVERY, ids=str)
def test_the_sums_are_those_of_ccusage(project: RealProject, cli: Cli):
    program = installed(*CCUSAGE) / "ccusage"
    found = counted_over_a_resume(project, cli)
    beside = of_subagents(project.home)
    theirs = totals(program, cli, project.home)
    cached = theirs["cacheReadTokens"] if cli is QWEN else 0
    assert theirs["inputTokens"] - cached == found["input"] - (INPUT - CACHED) * beside
    assert theirs["cacheReadTokens"] == found["cache_read"] - CACHED * beside
    assert theirs["cacheCreationTokens"] == found["cache_write"]
    if cli is not QWEN:
        assert theirs["totalTokens"] == found["total"]


@pytest.mark.parametrize("cli", [CLINE, KILO], ids=str)
def test_the_sums_of_a_cli_without_it_are_those_of_its_model(project: RealProject, cli: Cli):
    counted_over_a_resume(project, cli)


def counted_over_a_resume(project: RealProject, cli: Cli) -> dict[str, int]:
    """What was counted after three prompts with a resume between them: what the model told."""
    project.begin(cli)
    project.ask(cli, PROMPTS[0])
    project.ask(cli, PROMPTS[1])
    project.stop()
    between = used(project)
    project.run("resume", AGENT)
    project.wait_ready(cli)
    project.ask(cli, PROMPTS[2])
    project.stop()
    found, answers = used(project), len(PROMPTS) + of_subagents(project.home)
    assert between["total"] < found["total"] == (INPUT + OUTPUT) * answers
    assert (found["cache_read"], found["output"]) == (CACHED * answers, OUTPUT * answers)
    return found


def used(project: RealProject) -> dict[str, int]:
    """The tokens of the one agent."""
    (group,) = json.loads(project.run("usage", "--json"))["groups"]
    return dict(group["tokens"])


def of_subagents(home: Path) -> int:
    """How many answers Qwen got without a prompt of ours."""
    texts = (file.read_text() for file in home.glob(".qwen/projects/*/chats/*.jsonl"))
    return sum(text.count('"subagent_name"') for text in texts)


def totals(program: Path, cli: Cli, home: Path) -> dict[str, Any]:
    """What ccusage finds under the home."""
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(home)}
    words = [str(program), cli.name, "daily", "--offline", "--json"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    return dict(json.loads(done.stdout)["totals"])
