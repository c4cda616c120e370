"""A project of any size on a tmux server of its own, with agents that do nothing and cost nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from measure import Run, peak, run

_PER_WORKSPACE = 10
_HEAD = """\
version: 1
tmux: {{socket_path: {socket}}}
agent_types:
  sleeper: {{command: [sleep, "1000000"], new: [], quit: ""}}
workspaces:
"""


@dataclass(frozen=True)
class Lab:
    """One project folder; everything in it goes when the benchmark ends."""

    root: str

    @property
    def socket(self) -> str:
        """The socket of the lab's tmux server."""
        return os.path.join(self.root, "s")

    def env(self) -> dict[str, str]:
        """An environment like a user's, with a home of its own."""
        path = f"{self.root}/bin:{os.environ['PATH']}"
        return {"PATH": path, "LANG": os.environ.get("LANG", "C.UTF-8"), "HOME": self.root, "TERM": "dumb"}

    def reconciler(self, *words: str, **more: str) -> Run:
        """Run one command of ours as users do; `more` are variables."""
        program = os.path.join(os.path.dirname(sys.executable), "reconciler")
        return run([program, *words], {**self.env(), **more}, self.root)

    def peak(self, *words: str) -> float:
        """The peak memory of one command of ours, in MiB."""
        return peak([os.path.join(os.path.dirname(sys.executable), "reconciler"), *words], self.env(), self.root)

    def python(self) -> Run:
        """Run a bare interpreter."""
        return run([sys.executable, "-c", "pass"], self.env(), self.root)

    def panes(self) -> Run:
        """Let a bare tmux list all panes."""
        return self.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid}")

    def bare_sessions(self, number: int) -> Run:
        """Create and tag that many sessions through one control client, without looking at any answer."""
        tags = ("lineage", "address", "session_id")
        creating = (
            f"new-session -d -s bare{each} -- sleep 1000000"
            + "".join(f" ; set-option -t =bare{each}: @reconciler_{tag} value" for tag in tags)
            for each in range(number)
        )
        command = ["tmux", "-u", "-S", self.socket, "-C", "new-session", "-s", "first", "--", "sleep", "1000000"]
        return run(command, self.env(), self.root, given="\n".join([*creating, ""]))

    def tmux(self, *words: str) -> Run:
        """Run one bare tmux command on the lab's server."""
        return run(["tmux", "-u", "-S", self.socket, *words], self.env(), self.root)

    def count_sessions(self) -> int:
        """How many sessions the lab's server has."""
        listing = ["tmux", "-S", self.socket, "list-sessions"]
        return len(subprocess.run(listing, check=True, capture_output=True, text=True).stdout.splitlines())

    def declare(self, agents: int, cli: str = "sleeper") -> None:
        """Write a manifest of that many agents of one CLI, ten in each workspace."""
        with open(os.path.join(self.root, "reconciler.yaml"), "w", encoding="utf-8") as file:
            file.write(_HEAD.format(socket=self.socket))
            if not agents:
                file.write("  {}\n")
            for workspace in range((agents + _PER_WORKSPACE - 1) // _PER_WORKSPACE):
                names = range(min(_PER_WORKSPACE, agents - workspace * _PER_WORKSPACE))
                file.write(f"  ws{workspace}:\n    path: ws{workspace}\n    agents:\n")
                file.writelines(f"      a{name}: {{type: {cli}}}\n" for name in names)


@contextmanager
def lab() -> Iterator[Lab]:
    """A fresh lab; its server and its folder are gone afterwards."""
    root = tempfile.mkdtemp(prefix="rb-")
    try:
        yield Lab(root)
    finally:
        subprocess.run(["tmux", "-S", os.path.join(root, "s"), "kill-server"], check=False, capture_output=True)
        shutil.rmtree(root, ignore_errors=True)
