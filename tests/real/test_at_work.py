"""The real CLIs at work, in every version whose screens were captured: told busy, and left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clis import CAPTURED, Cli
from real_project import AGENT, TURN_SECONDS, RealProject
from stub import HOLD
from waiting import wait_until

# What the product itself passes is not passed twice.
EVERY = [replace(cli, args=tuple(arg for arg in cli.args if arg not in {"--no-daemon", "-i"})) for cli in CAPTURED]


@pytest.mark.parametrize("cli", EVERY, ids=str)
def test_a_cli_at_work_is_told_busy_and_is_neither_stopped_nor_typed_into(project: RealProject, cli: Cli):
    project.begin(cli)
    project.tmux("send-keys", "-t", f"={AGENT}:", "-l", HOLD)
    wait_until(lambda: HOLD in project.screen(AGENT))
    enters = project.enters()
    wait_until(lambda: next(enters) and project.agent()["state"] == "busy", TURN_SECONDS)
    before = project.pane(AGENT)

    stopped = project.attempt("stop", AGENT)
    assert stopped.returncode == 7, stopped.stdout + stopped.stderr
    project.tmux("send-keys", "-t", f"={AGENT}:", "-l", "a half-typed prompt")
    wait_until(lambda: "half-typed" in project.screen(AGENT))
    assert project.attempt("stop", AGENT).returncode == 7
    assert project.pane(AGENT) == before

    project.run("stop", AGENT, "--now")
    assert project.processes() == []
