"""A prompt that is handed to a real CLI: what the verdict says is what the CLI stored."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from clis import CLAUDE_NEW, CLAUDE_OLD, CODEX, COPILOT, GEMINI, OPENCODE, QWEN, Cli
from real_project import AGENT, START_SECONDS, RealProject
from waiting import wait_until

EVERY = [CLAUDE_OLD, CLAUDE_NEW, GEMINI, QWEN, COPILOT, CODEX, OPENCODE]
PROMPTS = {
    "short": "Remember the word larch.",
    "lines": "First line; with 'quotes' and \"more\".\n- second: größer 日本\n\nlast",
    "2 KB": "The word is alder. " * 110,
    "30 KB": "The word is aspen. " * 1600,
}


@pytest.fixture
def broker(project: RealProject) -> Iterator[dict[str, str]]:
    """The MQTT_* variables of a broker that runs from the project's folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    project.run("broker", "init", "--port", str(port), "--user", "both:reconciler")
    project.run("broker", "run", "--background")
    told = json.loads(project.run("broker", "env", "both", "--format", "json"))
    secret = Path(told["password_file"]).read_text().strip()
    yield {
        "MQTT_BROKER": told["host"],
        "MQTT_PORT": str(told["port"]),
        "MQTT_TLS": "1",
        "MQTT_CA_CERTS": told["ca_certs"],
        "MQTT_USERNAME": told["username"],
        "MQTT_PASSWORD": secret,
    }
    pid = json.loads((project.root / ".hermes/broker/run/mosquitto.pid").read_text())["pid"]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


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
