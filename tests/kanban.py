"""A Kanban board, played by a stand-in or by the real hermes: what is done on it by hand, and what is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fakes.clock import FakeClock
from waiting import PATIENCE

from reconciler.monitor.sinks.card import Card, Hermes

_STANDIN = Path(__file__).parent / "standin" / "hermes.py"


@dataclass(frozen=True)
class Board:
    """One card, on a board of its own."""

    program: str
    env: dict[str, str]
    task: str = ""

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [self.program, "kanban", *words], env=self.env, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        return done.stdout

    def sink(self, clock: FakeClock) -> Card:
        return Card(Hermes(self.program, self.task, self.env), clock)

    def card(self) -> dict:
        return json.loads(self.run("show", self.task, "--json"))

    def comments(self) -> list[tuple[str, str]]:
        return [(each["author"], each["body"]) for each in self.card()["comments"]]

    def heartbeats(self) -> list[str]:
        return [each["payload"]["note"] for each in self.card()["events"] if each["kind"] == "heartbeat"]

    def calls(self) -> list[str]:
        """What the stand-in was asked, one word each."""
        return Path(self.env["HERMES_HOME"], "calls").read_text().split()


def board(home: Path, program: str, path: str) -> Board:
    """A new board below `home`, with a card on it that nobody has taken yet."""
    env = {"PATH": path, "HOME": str(home), "HERMES_HOME": str(home / ".hermes")}
    empty = Board(program, env)
    empty.run("init")
    made = json.loads(empty.run("create", "agent-sessions monitor", "--json"))
    return Board(program, env, made["id"])


def standin(home: Path) -> Board:
    """A board that the recorded stand-in keeps."""
    program = home / "hermes"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {_STANDIN} "$@"\n')
    program.chmod(0o755)
    return board(home, str(program), os.environ["PATH"])
