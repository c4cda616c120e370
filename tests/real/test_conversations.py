"""The real CLIs, from npm, against a model that always says the same: what reconciler promises is true of them."""

from __future__ import annotations

import pytest
from clis import CLAUDE_NEW, CLAUDE_OLD, CLINE, CODEX, COPILOT, GEMINI, KILO, OPENCODE, PI, QWEN, Cli
from real_project import AGENT, RealProject

EVERY = [CLAUDE_OLD, CLAUDE_NEW, GEMINI, QWEN, COPILOT, CODEX, OPENCODE, KILO, PI, CLINE]
FIRST, SECOND = "Remember the word larch.", "Say that word again."


@pytest.mark.parametrize("cli", EVERY, ids=str)
def test_a_conversation_goes_on_after_a_stop(project: RealProject, cli: Cli):
    project.begin(cli)
    project.ask(cli, FIRST)
    project.run("refresh")
    conversation = project.agent()["conversation"]
    assert project.identity() == conversation
    assert (project.row(AGENT)["it_session_id_own"], project.row(AGENT)["resumable"]) == (conversation, True)
    [place] = project.places(cli, FIRST)
    assert conversation in place + cli.stored(project.home)[place]
    project.stop()
    assert project.processes() == []
    assert project.agent()["status"] == "stopped"
    project.run("resume", AGENT)
    project.wait_ready(cli)
    project.ask(cli, SECOND)
    assert project.places(cli, FIRST) == project.places(cli, SECOND) == [place]
    assert project.agent()["conversation"] == project.identity() == conversation
    project.run("drift")
    project.run("plan", "--detailed-exitcode")
    project.stop()
    assert project.processes() == []


@pytest.mark.parametrize("cli", EVERY, ids=str)
def test_an_agent_that_was_told_nothing_can_be_stopped_and_started_again(project: RealProject, cli: Cli):
    """2.1.197 of Claude takes the id of such a conversation for neither purpose."""
    project.begin(cli)
    project.stop()
    assert project.processes() == []
    project.run("resume", AGENT)
    project.wait_ready(cli)
    agent = project.agent()
    assert (agent["status"], agent["live"]) == ("running", "alive")
    assert not project.pane(AGENT).dead
