"""The screen and the keys that all CLIs share."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
from collections import deque
from time import monotonic
from typing import Any, Self

from agent import INTERRUPT, Dialog

IGNORED = frozenset(os.environ.get("STANDIN_IGNORE", "").split(","))
KEYS = re.compile(
    rb"\x1b\[200~(?P<paste>.*?)\x1b\[201~"
    rb"|\x1b\[(?!200~)[0-?]*[ -/]*[@-~]|\x1b[^\[]"  # other keys with a name: no prompt is made of them
    rb"|(?P<key>[^\x1b])",
    re.DOTALL,
)
ENTER, ESCAPE = (b"\r", b"\n"), b"\x1b"
STEPS = {b"\x1b[A": -1, b"\x1b[D": -1, b"\x1b[B": 1, b"\x1b[C": 1}


class Terminal:
    """A terminal in raw mode: submitted lines come out, text and titles go in."""

    def __init__(self, mark: str, *, alternate_screen: bool) -> None:
        self.lines: deque[str] = deque()
        self.prompt = f"{mark} "
        self._unread = b""
        self._typed = b""
        self._alternate_screen = alternate_screen
        self._before = termios.tcgetattr(0) if os.isatty(0) else None

    def __enter__(self) -> Self:
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, raw(self._before))
        write("\x1b[?1049h\x1b[H" * self._alternate_screen + "\x1b[?2004h")
        return self

    def __exit__(self, *_: object) -> None:
        write("\x1b[?2004l" + "\x1b[?1049l" * self._alternate_screen)
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, self._before)

    def line(self, deadline: float | None = None) -> str | None:
        """The next line that was submitted, INTERRUPT or END; None when none came before the deadline."""
        while not self.lines:
            seconds = None if deadline is None else max(0.0, deadline - monotonic())
            if not KEYS.match(self._unread) and not select.select([0], [], [], seconds)[0]:
                return None
            self._read()
        return self.lines.popleft()

    def choose(self, dialog: Dialog) -> int | None:
        """The choice that was made; None when the dialog was left. Text that is typed or pasted is lost."""
        chosen = dialog.default
        write(f"\r\x1b[K{drawn(dialog, chosen)}\n")
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
            self._press(key["key"] or b"", key["paste"] or b"")
        shown = self._typed.decode(errors="replace").splitlines() or [""]
        write(f"\r\x1b[K{self.prompt}{shown[0]}" + f" [+{len(shown) - 1} lines]" * (len(shown) > 1))

    def _press(self, key: bytes, paste: bytes) -> None:
        match key:
            case b"\r" | b"\n":
                self._submit(self._typed.decode(errors="replace"))
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
        if choice.startswith(f"{name}.") or f"({name})" in choice.lower()
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
