"""A project with a broker of the test's own, and the agent's side of a job."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.mosquitto import SECRETS, Mosquitto, private
from project import SECONDS, Project
from waiting import wait_until

SESSION = "lab-creator-claude"
READY = "? for shortcuts"


@dataclass(frozen=True)
class Lab:
    """The project, and the broker that its manifest declares."""

    project: Project
    broker: Mosquitto

    @property
    def jobs(self) -> Path:
        return self.project.root / ".mam" / "jobs"

    @property
    def audits(self) -> Path:
        return self.project.root / "delegate_job_logs"

    def declare(self, agents: Mapping[str, object] | None = None, **rest: object) -> None:
        folder = _made(self.project.home / "broker", self.broker)
        block = {"dir": folder, "listeners": [{"port": self.broker.port}]}
        self.project.write({"lab": {"path": "lab", "agents": agents or {}}}, broker=block, **rest)

    def with_agent(self) -> None:
        """An idle agent in the session SESSION; the broker is declared only then, for it has a life of its own."""
        self.project.declare(claude={})
        self.project.apply()
        self.declare({"claude": {}})
        wait_until(lambda: READY in self.project.screen(SESSION))

    def submit(self, *words: str, prompt: str = "do it", **env: str) -> subprocess.Popen[str]:
        return self.project.start("job", "submit", "--agent", SESSION, "--prompt", prompt, *words, **env)

    def human(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """A job whose agent is the test itself: nothing is typed anywhere."""
        self.declare()
        return self.project.start("job", "submit", "--agent", "human", "--prompt", "do it", *words, **env)

    def left(self, *words: str) -> dict[str, Any]:
        """The record of a new job that nobody follows."""
        count = len(list(self.jobs.glob("*.json")))
        submitted = self.human(*words)
        job = self.job(count + 1)
        self.told(job)
        submitted.send_signal(signal.SIGINT)
        assert ended(submitted)[0] == 130
        return job

    def detached(self, *words: str, **env: str) -> dict[str, Any]:
        """The record of a new job that is followed in the background."""
        count = len(list(self.jobs.glob("*.json")))
        code, _, err = ended(self.human("--detach", *words, **env))
        assert code == 0, err
        return self.job(count + 1)

    def follower(self) -> dict[str, Any] | None:
        """What the follower in the background says of itself; None without one."""
        path = self.jobs / ".follower" / "state.json"
        return json.loads(path.read_text()) if path.exists() else None

    def job(self, count: int = 1) -> dict[str, Any]:
        """The newest record, once there are `count`."""
        records = wait_until(lambda: len(found := sorted(self.jobs.glob("*.json"))) >= count and found)
        return json.loads(records[-1].read_text())

    def once(self, status: str, count: int = 1) -> dict[str, Any]:
        wait_until(lambda: self.job(count)["status"] == status)
        return self.job(count)

    def told(self, job: dict[str, Any]) -> str:
        """The instructions, once the agent gets them."""
        path = self.audits / job["id"] / "instructions.txt"
        wait_until(path.exists)
        return path.read_text()

    def say(self, job: dict[str, Any], event: str, detail: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """What the agent does that was told to: the very command, in another folder and a bare environment."""
        line = re.search(rf"^On .*?: (.* --event {event})", self.told(job), re.MULTILINE)
        assert line
        command = [*shlex.split(line[1]), *(["--detail", detail] if detail else [])]
        return subprocess.run(
            command, check=False, cwd="/", env={"PATH": "/usr/bin:/bin", **env}, capture_output=True, text=True
        )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that has come to its end."""
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def _made(folder: Path, broker: Mosquitto) -> str:
    """The part of a broker's folder that its clients read."""
    for name in ("clients", "ca"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for user, secret in SECRETS.items():
        private(folder / "clients" / f"{user}.password", secret)
    (folder / "ca" / "ca.crt").write_bytes(Path(broker.path("ca.crt")).read_bytes())
    return str(folder)
