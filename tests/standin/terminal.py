"""The screen and the keys that all CLIs share."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
import termios
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Self

from agent import INTERRUPT, Agent, Dialog, is_collapsed

IGNORED = frozenset(os.environ.get("STANDIN_IGNORE", "").split(","))
KEYS = re.compile(
    rb"\x1b\[200~(?P<paste>.*?)\x1b\[201~"
    rb"|(?P<meta>\x1b\r)"
    rb"|\x1b\[(?!200~)[0-?]*[ -/]*[@-~]|\x1b[^\[]"  # other keys with a name: no prompt is made of them
    rb"|(?P<key>[^\x1b])",
    re.DOTALL,
)
SWALLOWED_ENTERS = int(os.environ.get("STANDIN_SWALLOW", "0"))
GONE = "\x1b[H\x1b[999M"  # line by line, as the CLIs do it: tmux keeps a screen that is cleared in its history
ENTER, ESCAPE = (b"\r", b"\n"), b"\x1b"
STEPS = {b"\x1b[A": -1, b"\x1b[D": -1, b"\x1b[B": 1, b"\x1b[C": 1}


class Terminal:
    """A terminal in raw mode: submitted lines come out, text and titles go in."""

    def __init__(self, agent: Agent, surprise: Callable[[int], object]) -> None:
        """`surprise` is called at SIGUSR1 and SIGUSR2, as soon as no key is being read."""
        self.lines: deque[str] = deque()
        self.busy = False
        self._agent = agent
        self._surprise = surprise
        self._unread = b""
        self._typed = b""
        self._pressed = b""
        self._swallows = SWALLOWED_ENTERS
        self._before = termios.tcgetattr(0) if os.isatty(0) else None
        self._signalled, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda *_: None)

    def __enter__(self) -> Self:
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, raw(self._before))
        write("\x1b[?1049h\x1b[H" * self._agent.alternate_screen + "\x1b[?2004h")
        return self

    def __exit__(self, *_: object) -> None:
        write("\x1b[?2004l" + "\x1b[?1049l" * self._agent.alternate_screen)
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, self._before)

    def line(self, deadline: float | None = None) -> str | None:
        """The next line that was submitted, INTERRUPT or END; None when none came before the deadline."""
        while not self.lines:
            seconds = None if deadline is None else max(0.0, deadline - monotonic())
            ready = [0] if KEYS.match(self._unread) else select.select([0, self._signalled], [], [], seconds)[0]
            if not ready:
                return None
            if 0 in ready:  # keys that are there already were meant for what is on the screen
                self._read()
            else:
                self._surprise(os.read(self._signalled, 64)[-1])
        return self.lines.popleft()

    def draw(self) -> None:
        """Draws the input box and what is below it; the cursor stays on its first row."""
        columns = shutil.get_terminal_size().columns
        lines = "\n".join(self._framed(columns) if self._agent.framed else self._marked()).split("\n")
        above = sum(max(0, len(line) - 1) // columns + 1 for line in lines) - 1
        write("\r\x1b[K\x1b[J" + "\n".join(lines) + f"\x1b[{above}A" * bool(above) + "\r")

    def _marked(self) -> list[str]:
        below = self._agent.working if self.busy else self._agent.footer
        return [f"{self._agent.mark} {self._shown()}", *([f"  {below}"] if below else [])]

    def _framed(self, columns: int) -> list[str]:
        says = f"── ⠼ {self._agent.working} " if self.busy else ""
        line = "─" * columns
        return [says + line[len(says) :], self._shown(), line, "~/lab", self._agent.footer]

    def choose(self, dialog: Dialog, shown: Callable[[], object] = lambda: None) -> int | None:
        """The choice that was made; None when the dialog was left. Text that is typed or pasted is lost.

        `shown` is called as soon as the dialog is drawn.
        """
        write(f"\r\x1b[J{drawn(dialog, dialog.default)}\n")
        shown()
        choice = self._chosen(dialog)
        write(GONE)
        return choice

    def _chosen(self, dialog: Dialog) -> int | None:
        chosen = dialog.default
        while (key := self._key()) not in ENTER:
            if key in STEPS:
                chosen = (chosen + STEPS[key]) % len(dialog.choices)
                write(f"{drawn(dialog, chosen)}\n")
            elif (named := choice_of(dialog, key)) is not None:
                return named
            elif key in {ESCAPE, INTERRUPT.encode()}:
                return None
        return chosen

    def _key(self) -> bytes:
        while not (key := KEYS.match(self._unread)):
            if self._unread == ESCAPE and not select.select([0], [], [], 0.05)[0]:
                self._unread = b""
                return ESCAPE
            self._unread += read_or_hang_up()
        self._unread = self._unread[key.end() :]
        return key[0]

    def _read(self) -> None:
        if not KEYS.match(self._unread):
            self._unread += read_or_hang_up()
        while key := KEYS.match(self._unread):
            self._unread = self._unread[key.end() :]
            self._press(key["key"] or key["meta"] or b"", key["paste"] or b"")
        self.draw()

    def _shown(self) -> str:
        text = self._typed.decode(errors="replace")
        if is_collapsed(text):
            return self._agent.collapsed.format(lines=text.count("\n") + 1, characters=len(text))
        return text.replace("\n", "\n  ") or self._agent.placeholder

    def _press(self, key: bytes, paste: bytes) -> None:
        submits = key in ENTER or self._is_own_submit(key)
        match key:
            case _ if submits and self._typed and self._swallows:
                self._swallows -= 1
            case _ if submits:
                self._submit(self._typed.decode(errors="replace"))
            case b"\x18" | b"\x13" | b"\x11" | b"\x1b\r":
                pass
            case b"\x15":
                self._typed = b""
            case b"\x03" if self._typed:
                self._typed = b""
            case b"\x03" | b"\x04":
                self._submit(key.decode())
            case b"\x7f":
                self._typed = self._typed[:-1]
            case _:
                self._typed += key + paste.replace(b"\r", b"\n")

    def _is_own_submit(self, key: bytes) -> bool:
        """Whether this is the last one of the keys with which the CLI submits, beside Enter."""
        own = self._agent.submit
        self._pressed = (self._pressed + key)[-len(own) :]
        return key != b"" and self._pressed == own

    def _submit(self, line: str) -> None:
        self._typed = b""
        self.lines.append(line)


def drawn(dialog: Dialog, chosen: int) -> str:
    """The dialog with a mark at one of its choices."""
    marks = (dialog.mark if index == chosen else " " * len(dialog.mark) for index in range(len(dialog.choices)))
    rows = dialog.between.join(f"{mark} {choice}" for mark, choice in zip(marks, dialog.choices, strict=True))
    return "\n".join(filter(None, (dialog.screen, rows, dialog.footer)))


def choice_of(dialog: Dialog, key: bytes) -> int | None:
    """The choice whose text names the key: `1. ...` or `... (y)`."""
    name = "esc" if key == ESCAPE else key.decode(errors="replace")
    named = (
        index
        for index, choice in enumerate(dialog.choices)
        if choice.startswith((f"{name}.", f"[{name}]")) or f"({name})" in choice.lower()
    )
    return next(named, None)


def raw(attributes: list[Any]) -> list[Any]:
    """Terminal attributes under which every key arrives as it was pressed."""
    iflag, oflag, cflag, lflag, *rest = attributes
    lflag &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    return [iflag & ~(termios.ICRNL | termios.IXON), oflag, cflag, lflag, *rest]


def write(text: str) -> None:
    """Writes all of `text`, unless nobody is left to read it."""
    data = text.encode(errors="replace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return


def read_or_hang_up() -> bytes:
    """What was typed. Without a terminal there is nothing left to do but end, or to wait for a signal."""
    try:
        data = os.read(0, 65536)
    except OSError:
        data = b""
    while not data and "HUP" in IGNORED:
        signal.pause()
    return data or sys.exit(0)
