"""Hosts that are folders of this machine: each has a home, a project and a tmux server of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import PATIENCE

MANIFEST = "version: 1\nworkspaces: {w: {path: w, agents: {s: {type: shell}}}}\n"
CLI = (sys.executable, "-m", "reconciler")


@dataclass(frozen=True)
class LabHost:
    """One host; `program` is its reconciler, with its own environment."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "lab"

    @property
    def program(self) -> Path:
        return self.folder / "reconciler"

    @property
    def env(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "TMUX_TMPDIR": str(self.folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

    def make(self) -> None:
        self.project.mkdir(parents=True)
        (self.project / "reconciler.yaml").write_text(MANIFEST)
        words = [f"{name}={shlex.quote(value)}" for name, value in self.env.items()]
        call = f'exec env -i TERM="${{TERM:-dumb}}" {" ".join(words)} {sys.executable} -m reconciler'
        self.program.write_text(f'#!/bin/sh\n{call} "$@"\n')
        self.program.chmod(0o755)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = [str(self.program), "-C", str(self.project), *words]
        return subprocess.run(done, check=False, capture_output=True, text=True, timeout=PATIENCE)

    def tmux(self, *words: str) -> str:
        return subprocess.run(["tmux", *words], check=False, capture_output=True, text=True, env=self.env).stdout

    def sessions(self) -> list[str]:
        return self.tmux("list-sessions", "-F", "#{session_name}").split()


@dataclass(frozen=True)
class Controller:
    """The machine that the user types at."""

    folder: Path
    hosts: Mapping[str, LabHost]

    @property
    def inventory(self) -> Path:
        return self.folder / "fleet.yml"

    def write(self, **variables: Mapping[str, str]) -> None:
        """Write the inventory; `variables` has more variables of a host by its name."""
        listed = {
            name: {"reconciler_project": str(host.project), "reconciler_executable": str(host.program)}
            | dict(variables.get(name, {}))
            for name, host in self.hosts.items()
        }
        every = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self.inventory.write_text(json.dumps({"all": {"vars": every, "hosts": listed}}))

    @property
    def env(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": f"{self.folder}:{os.environ['PATH']}", "LANG": "C.UTF-8"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command, still running."""
        none, pipe = subprocess.DEVNULL, subprocess.PIPE
        return subprocess.Popen(
            [*CLI, "fleet", *words], cwd=self.folder, env=self.env, stdin=none, stdout=pipe, text=True
        )

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.type("fleet", *words, **env)

    def type(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CLI, *words],
            check=False,
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 3,
        )

    def document(self, *words: str, code: int) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)
