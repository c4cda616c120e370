"""Two machines of the rig with jobs between them: `one` submits and has the queue, `two` has an agent and a runner."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from away import READY, SESSION, Host
from broker.jetstream import PASSWORD
from broker.mosquitto import Authority
from cryptography.x509.oid import ExtendedKeyUsageOID
from machines import HOME, SYSTEM_PATH, Machine, Rig
from project import Project
from waiting import PATIENCE, wait_until

SEARCH = f"/srv/reconciler/tests/standin/bin:{HOME}/.local/bin:{SYSTEM_PATH}"
MANIFEST = "version: 1\nworkspaces: {{lab: {{path: w, agents: {{{agents}}}}}}}\n{jobs}"
JETSTREAM = """listen: 0.0.0.0:4222
jetstream {{ store_dir: "{home}/nats" }}
tls {{ cert_file: "{home}/server.crt", key_file: "{home}/server.key" }}
authorization {{ users = [ {{ user: lab, password: "{password}" }} ] }}
"""
# A runner has its login as its service would: from `runner.env`, if there is one.
RUNNER = """cd ~/lab; echo $$ > ~/runner.pid; set -a
[ ! -e .hermes/runner.env ] || . .hermes/runner.env
exec reconciler runner >> ~/runner.log 2>&1
"""


@dataclass
class JobHost(Host):
    """A machine, seen as a host of `test_jobs_away`."""

    machine: Machine = None  # type: ignore[assignment] - fields before it have defaults
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        done = self.machine.run("reconciler", "-C", "lab", *words, PATH=SEARCH, **env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *words: str) -> subprocess.Popen[str]:
        return self.begin("reconciler", "-C", "lab", *words)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        self.begun.append(self.machine.start(*words, PATH=SEARCH))
        return self.begun[-1]

    def runner(self, *_words: str) -> subprocess.Popen[str]:
        count = self.said().count("Waiting for jobs")
        made = self.begin("sh", "-c", RUNNER)
        wait_until(lambda: self.said().count("Waiting for jobs") > count or made.poll() is not None)
        assert made.poll() is None, self.said()
        return made

    def said(self) -> str:
        log = self.machine.home / "runner.log"
        return log.read_text() if log.exists() else ""

    def kill(self) -> None:
        assert self.machine.run("sh", "-c", "kill -9 $(cat ~/runner.pid)").returncode == 0
        wait_until(lambda: self.machine.run("sh", "-c", "kill -0 $(cat ~/runner.pid)").returncode)

    def say(self, job: Mapping[str, Any], event: str, detail: str = "") -> None:
        told = self.here(job["workdir"]) / "delegate_job_logs" / job["id"] / "instructions.txt"
        line = re.search(rf"^On .*?: (.* --event {event})", told.read_text(), re.MULTILINE)
        assert line
        done = self.machine.run(*shlex.split(line[1]), *(["--detail", detail] if detail else []))
        assert done.returncode == 0, done.stdout + done.stderr

    def here(self, path: str) -> Path:
        """A path of the machine, as this process reaches it."""
        return self.machine.home / Path(path).relative_to(HOME)

    def screen(self) -> str:
        return self.machine.run("tmux", "capture-pane", "-p", "-t", f"={SESSION}:").stdout

    def keys(self, *keys: str) -> None:
        assert self.machine.run("tmux", "send-keys", "-t", f"={SESSION}:", *keys).returncode == 0


@contextmanager
def pair(rig: Rig, backend: str) -> Iterator[tuple[JobHost, JobHost]]:
    """The two hosts with a queue that answers, and an idle agent on the second one; what they began is ended."""
    a, b = (_host(rig.hosts[name]) for name in ("one", "two"))
    try:
        _make(a, b, _nats if backend == "nats" else _broker)
        yield a, b
    finally:
        for each in (a, b):
            each.machine.end_work()
            for process in each.begun:
                process.communicate(timeout=PATIENCE)


def _make(a: JobHost, b: JobHost, queue: Callable[[JobHost, JobHost], str]) -> None:
    jobs = queue(a, b)
    a.machine.write("lab/reconciler.yaml", MANIFEST.format(agents="", jobs=jobs))
    b.machine.write("lab/reconciler.yaml", MANIFEST.format(agents="claude: {}", jobs=jobs))
    b.run("apply", "--auto-approve")
    wait_until(lambda: READY in b.screen())


def _host(machine: Machine) -> JobHost:
    machine.write("lab/.hermes/here", "")
    project = Project(machine.home / "lab", machine.home, machine.home / "t")
    return JobHost(machine.name, project, {}, {}, machine=machine)


def _broker(a: JobHost, b: JobHost) -> str:
    """A broker as docs/fleet.md makes it; the login of the runner is copied to its host."""
    a.run("broker", "init", "--host", "one")
    a.run("broker", "user", "add", "one", "--role", "reconciler")
    a.run("broker", "user", "add", "two", "--role", "runner")
    a.run("broker", "run", "--background")
    login = a.run("broker", "env", "two", "--format", "dotenv", "--reveal")
    here = f"{HOME}/lab/.hermes/broker-ca.crt"
    b.machine.write("lab/.hermes/runner.env", re.sub(r"(?m)^MQTT_CA_CERTS=.*$", f"MQTT_CA_CERTS={here}", login), 0o600)
    ca = a.machine.home / "lab/.hermes/broker/ca/ca.crt"
    b.machine.write("lab/.hermes/broker-ca.crt", ca.read_text())
    return ""


def _nats(a: JobHost, b: JobHost) -> str:
    """A NATS server with TLS and a login."""
    home = a.machine.home
    Authority(home).issue("server", ("one",), (-30, 60), ExtendedKeyUsageOID.SERVER_AUTH)
    for name in ("server.crt", "server.key", "ca.crt"):
        a.machine.write(name, (home / name).read_text(), 0o600)
    a.machine.write("nats.conf", JETSTREAM.format(home=HOME, password=PASSWORD), 0o600)
    for each in (a, b):
        each.machine.write("ca.crt", (home / "ca.crt").read_text())
        each.machine.write("nats.password", PASSWORD, 0o600)
    program = "exec /srv/venv/bin/nats-server -c ~/nats.conf > ~/nats.log 2>&1"
    a.machine.write("nats.log", "")
    a.begin("sh", "-c", program)
    wait_until(lambda: "Server is ready" in (home / "nats.log").read_text())
    login = "username: lab, password_file: ~/nats.password, ca_certs: ~/ca.crt"
    return f"jobs: {{backend: nats, server: 'tls://one:4222', {login}}}\n"
