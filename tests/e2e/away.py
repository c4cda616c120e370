"""Two hosts on one machine: two projects with homes and tmux servers of their own, and a queue between them."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from project import CLI, SECONDS, Project
from waiting import wait_until

READY = "? for shortcuts"
SESSION = "lab-creator-claude"


@dataclass
class Host:
    """A project, and how its commands reach the queue."""

    name: str
    project: Project
    settings: Mapping[str, object]
    env: Mapping[str, str]
    runners: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def jobs(self) -> Path:
        return self.project.root / ".mam" / "jobs"

    def declare(self, **agents: object) -> None:
        settings = {**self.settings, "host": self.name}
        self.project.write({"lab": {"path": "lab", "agents": agents}}, jobs=settings)

    def with_agents(self, **agents: object) -> None:
        """Idle agents; without any, one claude."""
        self.declare(**(agents or {"claude": {}}))
        self.run("apply", "--auto-approve")
        for name in agents or ["claude"]:
            wait_until(lambda name=name: READY in self.project.screen(f"lab-creator-{name}"))

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        return self.project.run(*words, code=code, **{**self.env, **env})

    def start(self, *words: str) -> subprocess.Popen[str]:
        return self.project.start(*words, **self.env)

    def submit(self, *words: str, prompt: str = "do it") -> subprocess.Popen[str]:
        return self.start("job", "submit", "--prompt", prompt, *words)

    def runner(self, *words: str) -> subprocess.Popen[str]:
        """A runner that has said that it began; its output goes into a file."""
        log = self.project.home / f"runner-{len(self.runners)}.log"
        with log.open("w") as out:
            env = {**self.project.env, **self.env}
            made = subprocess.Popen(
                [*CLI, "runner", *words], cwd=self.project.root, env=env, stdout=out, stderr=out, text=True
            )
        self.runners.append(made)
        wait_until(lambda: "Waiting for jobs" in log.read_text() or made.poll() is not None)
        assert made.poll() is None, log.read_text()
        return made

    def said(self) -> str:
        """What its runners said."""
        return "".join(path.read_text() for path in sorted(self.project.home.glob("runner-*.log")))

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.jobs.glob("*.json"))]

    def record(self) -> dict[str, Any]:
        """Its newest job, once it has one."""
        return wait_until(self.records)[-1]

    def once(self, **wanted: object) -> dict[str, Any]:
        """The newest record, once it has these values."""
        return wait_until(lambda: (job := self.record()) and all(job[key] == wanted[key] for key in wanted) and job)

    def say(self, job: Mapping[str, Any], event: str, detail: str = "") -> None:
        """What the agent does that was told to."""
        path = Path(job["workdir"]) / "delegate_job_logs" / job["id"] / "instructions.txt"
        wait_until(path.exists)
        line = re.search(rf"^On .*?: (.* --event {event})", path.read_text(), re.MULTILINE)
        assert line
        command = [*shlex.split(line[1]), *(["--detail", detail] if detail else [])]
        subprocess.run(command, check=True, cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True)

    def typed(self, prompt: str) -> int:
        """How many times its agents got the prompt."""
        return sum(text.count(f"Task: {prompt}") for said in self.project.transcripts().values() for text in said)

    def kill(self) -> None:
        """End its runners in the hardest way."""
        for each in self.runners:
            if each.poll() is None:
                each.send_signal(signal.SIGKILL)
            each.wait(SECONDS)
