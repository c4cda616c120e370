"""What every CLI is, beside its screen: a profile says where its CLI differs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

INTERRUPT, END = "\x03", "\x04"
ANGLE = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
LONGEST_SHOWN = 1000
MOST_LINES_SHOWN = 10
HEAVY_ANGLE = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"


class Program(NamedTuple):
    """How a CLI is called."""

    valued: frozenset[str]
    switches: frozenset[str]
    unknown: str = "error: unknown option '{}'"
    unknown_status: int = 1
    launcher: bool = False
    version: str = "1.0.0"


class Dialog(NamedTuple):
    """A question on the screen; the choices that end the program have their last words here."""

    screen: str
    choices: tuple[str, ...]
    default: int = 0
    last_words: Mapping[int, str] = {}
    mark: str = HEAVY_ANGLE
    between: str = "\n"
    footer: str = ""


class Agent:
    """One running CLI and the conversation it is in. A profile's `start` makes one, or raises SystemExit."""

    quit = "/quit"
    quit_seconds = 0.2
    presses: Mapping[str, int] = {INTERRUPT: 2, END: 2}
    alternate_screen = True
    mark = HEAVY_ANGLE
    framed = False  # the box is between two lines, and its rows have no mark
    asks: tuple[str, ...] = ()
    placeholder = ""
    footer = ""
    working = "esc to interrupt"
    collapsed = "[Pasted text #1 +{lines} lines]"
    submit = b""  # keys that do what Enter does, to the input box alone
    reason: Dialog | None = None  # asks why, after a denial
    permission: Dialog | None = Dialog("Do you want to proceed?", ("1. Yes", "2. No"))  # None: it never asks

    def banner(self) -> str:
        raise NotImplementedError

    def title(self, status: str) -> str:
        """The title while `idle`, `busy` or `waiting` for permission."""
        raise NotImplementedError

    def dialog(self, _name: str) -> Dialog | None:
        """The start dialog of this name; None when the CLI has none, or when a setting answers it."""
        return None

    def answer(self, name: str, choice: int) -> None:
        """Keeps what the user chose in a start dialog that goes on."""

    def open(self) -> str:
        """Writes what is there before the first prompt; or says why the conversation cannot be opened yet."""
        return ""

    def report(self, status: str) -> None:
        """Tells the status in the CLI's own files."""

    def record(self, role: str, text: str) -> None:
        """Keeps what `user` or `assistant` said."""
        raise NotImplementedError

    def command(self, _line: str) -> bool:
        """Does what a slash command says; False when the line is a prompt."""
        return False

    def farewell(self, _last_line: str) -> str:
        """What stands on the terminal at the end."""
        return ""

    def close(self) -> None:
        """Takes away what the CLI takes away when it ends in order."""


def is_collapsed(text: str) -> bool:
    """Whether a text is too long, or has too many lines, to be shown as it is in an input box."""
    return len(text) > LONGEST_SHOWN or text.count("\n") >= MOST_LINES_SHOWN


def ended(status: int, words: str) -> SystemExit:
    """The end of the program, its last words said."""
    os.write(2, f"{words}\n".encode())
    return SystemExit(status)
