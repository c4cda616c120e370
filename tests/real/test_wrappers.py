"""Real CLIs behind wrappers: one that execs, one that stays, one in a sandbox with pids of its own."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from clis import CLAUDE_NEW, QWEN, Cli
from real_project import AGENT, TURN_SECONDS, RealProject
from waiting import wait_until

ROOT = ("--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc")
WRAPPERS = {
    "nice": ["nice", "-n", "5"],
    "setsid": ["setsid", "-w"],
    "sandbox": [
        *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", "~/", "~/"),
        *("--tmpfs", "~/.ssh", "--unshare-pid", "--die-with-parent", "--"),
    ],
    "bwrap": ["bwrap", *ROOT, "--unshare-pid", "--die-with-parent", "--new-session", "--"],
}


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("cli", [CLAUDE_NEW, QWEN], ids=str)
def test_a_real_cli_behind_a_wrapper_keeps_its_conversation(project: RealProject, cli: Cli, wrap: str) -> None:
    words = [word.replace("~/", f"{project.home}/") for word in WRAPPERS[wrap]]
    if not shutil.which(words[0]) or subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip(f"{words[0]} does not run here")
    project.settle(cli)
    project.write({"lab": {"path": "lab", "agents": {"it": {**project.declaration(cli), "wrap": words}}}})
    project.apply()
    try:
        project.wait_ready(cli)
    except AssertionError as error:
        pytest.skip(f"{cli} does not come up here: {error}")
    project.ask(cli, "Say anything.")
    project.run("refresh")
    conversation = project.identity()
    assert project.agent()["conversation"] == conversation
    assert project.row(AGENT)["resumable"] is True
    done = project.attempt("send", AGENT, "Say it again.", "--wait-idle", "45s", "--json")
    assert json.loads(done.stdout)["verdict"] == "submitted", project.screen(AGENT)
    wait_until(lambda: project.agent()["state"] == "idle", TURN_SECONDS)
    project.stop()
    project.run("resume", AGENT)
    project.wait_ready(cli)
    assert project.agent()["conversation"] == conversation
    project.reboot()
    assert project.actions() == {"agent.lab.it": "resume"}
    project.apply()
    project.wait_ready(cli)
    assert project.agent()["conversation"] == conversation
    assert project.actions() == {}
