"""The keys that a user presses, one by one; the terminal is as before afterwards, however the block ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from msgspec import Struct

_ESCAPE = "\x1b"
_SOON = 0.05  # seconds: the rest of an arrow key is there long before, and a user's next key long after
_CODES = {
    "enter": ("\r", "\n"),
    "backspace": ("\x7f", "\x08"),
    "clear": ("\x15",),
    "escape": (_ESCAPE, "\x04", ""),  # Escape, Ctrl-D, and the terminal is gone
    "up": ("\x1b[A", "\x1bOA", "\x10"),
    "down": ("\x1b[B", "\x1bOB", "\x0e"),
    "home": ("\x1b[H", "\x1bOH", "\x1b[1~"),
    "end": ("\x1b[F", "\x1bOF", "\x1b[4~"),
    "page-up": ("\x1b[5~",),
    "page-down": ("\x1b[6~",),
}
_NAMES = {code: name for name, codes in _CODES.items() for code in codes}
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class Keyboard(Struct, frozen=True):
    """Reads keys from a terminal that hands them over one by one."""

    descriptor: int
    decode: Callable[[bytes], str]

    def key(self) -> str:
        """The next key: a character, or the name of a key. Unknown keys are empty."""
        character = self._character()
        text = character + (self._rest() if character == _ESCAPE else "")
        return _NAMES.get(text, text if len(text) == 1 else "")

    def _character(self) -> str:
        while data := os.read(self.descriptor, 1):
            if character := self.decode(data):
                return character
        return ""

    def _rest(self) -> str:
        """What came together with Escape, as one key."""
        text = ""
        while select.select([self.descriptor], [], [], _SOON)[0] and (more := self._character()):
            text += more
            if more == "~" or (more.isalpha() and text != "O"):
                break
        return text


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Hand over each key of the terminal at standard input at once, without showing it, while the block runs.

    Ctrl-C still interrupts, and so do SIGTERM and SIGHUP: nothing ends the program in between.
    """
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    handlers = {number: signal.signal(number, _interrupt) for number in _ENDINGS}
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield Keyboard(descriptor, getincrementaldecoder("utf-8")("replace").decode)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
