"""One stand-in on a terminal of its own, driven by its keys."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from waiting import wait_until

BIN = Path(__file__).parent / "bin"
ID = "b3a7c0de-1111-4222-8333-444455556666"
OTHER = "b3a7c0de-2222-4222-8333-444455556666"
ENTER, ESCAPE, DOWN, CTRL_C, CTRL_D = "\r", "\x1b", "\x1b[B", "\x03", "\x04"


@dataclass
class Cli:
    """One CLI on a terminal of its own."""

    process: subprocess.Popen
    terminal: int
    shown: str = ""

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def type_alone(self, keys):
        """Types, and waits until that was read: every read draws the prompt again."""
        drawn = self.screen().count("\x1b[K")
        self.type(keys)
        wait_until(lambda: self.screen().count("\x1b[K") > drawn)

    def screen(self):
        with suppress(OSError):  # nothing new to read, or nobody left to write
            self.shown += os.read(self.terminal, 65536).decode(errors="replace")
        return self.shown

    def shows(self, text):
        wait_until(lambda: text in self.screen())

    def titled(self, text):
        wait_until(lambda: self.screen().rpartition("\x1b]2;")[2].startswith(text))

    def ended(self):
        wait_until(lambda: (self.screen(), self.process.poll())[1] is not None)
        self.screen()
        return self.process.returncode

    def child(self):
        """The process that the launcher waits for."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(wait_until(children.read_text))


def files(home):
    return sorted(str(file.relative_to(home)) for file in home.rglob("*") if file.is_file())


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def holders(file):
    """Which processes have the file open."""
    return {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and str(file) in opened(pid)}


def opened(pid):
    """What a process has open; nothing once it is gone."""
    with suppress(OSError):
        return {target(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
    return set()


def target(link):
    with suppress(OSError):
        return os.readlink(link)
