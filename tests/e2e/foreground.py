"""A command in the foreground of a terminal of its own, as a user has it: Ctrl-C reaches it."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from project import CLI, Project
from waiting import wait_until


@dataclass
class Foreground:
    """A terminal with a command in its foreground."""

    ours: int
    theirs: int
    process: subprocess.Popen[bytes]
    before: list[object]
    shown: str = ""

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.screen())

    def screen(self) -> str:
        """All that was shown so far."""
        with suppress(BlockingIOError):
            self.shown += os.read(self.ours, 65536).decode(errors="replace")
        return self.shown

    def ended(self) -> int:
        """The exit code, once the command has ended."""
        wait_until(lambda: (self.screen(), self.process.poll())[1] is not None)
        self.screen()
        return self.process.returncode

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.theirs) == self.before and self.shown.rpartition("\x1b[?7")[2].startswith("h")


@contextmanager
def foreground(project: Project, *words: str, **env: str) -> Iterator[Foreground]:
    """`reconciler WORDS` on a terminal of 80 columns; it is ended when the test goes on."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    environment = {**project.env, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **env}
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        ["setsid", "--ctty", *CLI, *words], cwd=project.root, env=environment, stdin=theirs, stdout=theirs,
        stderr=theirs,
    )  # fmt: skip
    try:
        yield Foreground(ours, theirs, process, before)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
