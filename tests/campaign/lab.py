"""A lab for the campaign: cheap agents, neighbours that are not ours, secrets, and files of the user's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from project import Project, arguments, pids
from waiting import wait_until

from .hook import Fault

SECRET = "canary-of-the-campaign"
FOREIGN_ID = "b3a7c0de-1111-4222-8333-444455556666"
LOST_ID = "b3a7c0de-2222-4222-8333-444455556666"
# What `talker` says is in ~/said; it reads lines until /quit.
_TALKER = """\
#!/bin/sh
printf '%s\\n' "$$" >>"$HOME/said/$2"
while read -r line; do [ "$line" = /quit ] && exit 0; done
"""
NEIGHBOURS = {"neighbour": "sleep 1000", "lab-creator-other": "sleep 1001"}


@contextmanager
def lab() -> Iterator[Campaigned]:
    """An empty project with a home and a tmux socket of its own; all that ran in it has ended afterwards."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        made = Campaigned(Path(folder) / "project", Path(folder), Path(folder) / "t")
        for each in (made.root, made.home / "said", made.home / "run", made.home / "tmp", made.root / "lab"):
            each.mkdir(mode=0o700)
        talker = made.home / "talker"
        talker.write_text(_TALKER)
        talker.chmod(0o755)
        (made.home / "theirs.txt").write_text("not of the project")
        (made.root / "lab" / "work.txt").write_text("the user's")
        try:
            yield made
        finally:
            made.tmux("kill-server")
            wait_until(lambda: not [_kill(pid) for pid in made.processes()])


class Campaigned(Project):
    """A project whose commands keep what they keep for a moment in folders of its own."""

    @property
    def env(self) -> dict[str, str]:
        private = {"XDG_RUNTIME_DIR": str(self.home / "run"), "TMPDIR": str(self.home / "tmp")}
        return {**super().env, **private, "CANARY": SECRET}

    def meet(self, fault: Fault, log: Path) -> None:
        """Be struck by a fault of the next command, where that is not the hook's to do."""

    def recover(self) -> None:
        """The fault is over."""

    def processes(self) -> list[int]:
        """Brokers, too, which get no environment."""
        called = {pid: arguments(pid) for pid in pids()}
        brokers = (pid for pid, words in called.items() if words[:1] == ["mosquitto"] and str(self.home) in words[-1])
        return sorted({*super().processes(), *brokers})


def declare(project: Project, *names: str, colour: str = "red", **rest: object) -> None:
    """A manifest with these agents; `a` has a secret, and a changed colour is a reason to start them again."""
    agents: dict[str, Any] = {name: {"type": "talker", "env": {"COLOUR": colour}} for name in names}
    if "a" in agents:
        agents["a"]["env"]["TOKEN"] = {"from_env": "CANARY"}
    project.write({"lab": {"path": "lab", "agents": agents}}, agent_types=agent_types(project), **rest)


def agent_types(project: Project) -> Mapping[str, object]:
    talker = {
        "command": [str(project.home / "talker")],
        "new": ["--new", "{session_id}"],
        "resume": ["--resume", "{session_id}"],
        "artifacts": [f"{project.home}/said/{{session_id}}"],
        "quit": "/quit",
    }
    return {"talker": talker}


def move_in(project: Project, neighbours: Mapping[str, str]) -> None:
    """Let others have sessions on the same server; one is ours by its name alone."""
    for name, command in neighbours.items():
        project.tmux("new-session", "-d", "-s", name, "-c", str(project.home), command)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
