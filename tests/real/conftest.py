from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from real_project import RealProject
from stub import serving
from waiting import wait_until

from reconciler.model.desired import Socket

# Hundreds of megabytes and minutes: only for those who ask, as `make test-real` does.
collect_ignore_glob = [] if os.environ.get("RECONCILER_REAL") else ["test_*.py"]


@pytest.fixture
def project(tmux_socket: Socket) -> Iterator[RealProject]:
    """An empty project with a home, a tmux socket and a model of its own; its agents are gone afterwards."""
    home = Path(tmux_socket.path).parent
    root = home / "project"
    (root / "lab").mkdir(parents=True)
    with serving() as url:
        made = RealProject(root, home, Path(tmux_socket.path), url)
        yield made
        made.tmux("kill-server")
        wait_until(lambda: not [_kill(pid) for pid in made.processes()])


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


def _kill(pid: int) -> None:
    """End what a test left behind."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
