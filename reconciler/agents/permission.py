"""A CLI's permission dialog: where it stands on the screen, and which keys answer it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

# Frames, the mark of the selected choice, and what blinks or turns; none of them means anything to a shell.
_DECORATION = re.compile("[\u2022\u203a\u2500-\u25ff\u276f\u2800-\u28ff]")


class Answer(StrEnum):
    """What can be said to a request; "always" cannot."""

    APPROVE = "approve"
    DENY = "deny"


class PermissionPrompt(NamedTuple):
    """How a CLI asks for a permission. Regular expressions match whole lines, without decoration.

    `first` and `last` are the lines of the first and of the last choice. Where all that is asked stands
    below a line of its own, that is `opening`; else whatever is shown above may be part of the question.
    `approve` and `deny` are keys by tmux's names. `approve` means "this once" when `once` matches the line
    of the first choice and, where the key takes the selected choice, `mark` stands in that line.
    """

    first: str
    last: str
    once: str
    approve: str
    deny: str = "Escape"
    opening: str = ""
    mark: str = ""


class Dialog(NamedTuple):
    """What a CLI asks, line by line and without decoration; `first` is the first choice as it is on the screen."""

    lines: tuple[str, ...]
    first: str

    @property
    def digest(self) -> str:
        """What is another when anything else is asked (SHA-256)."""
        return sha256("\n".join(self.lines).encode(errors="replace")).hexdigest()

    @property
    def asked(self) -> tuple[str, ...]:
        """The lines above the choices."""
        upwards = self.lines[::-1]
        return self.lines[: -1 - upwards.index(_plain(self.first))]

    @property
    def question(self) -> str:
        """The line that asks, for people."""
        return next((line for line in reversed(self.lines) if line.endswith("?")), self.lines[0])


def dialog_on(prompt: PermissionPrompt, screen: Sequence[str]) -> Dialog | None:
    """The dialog that the lines of a screen end with; None when it is not all there."""
    lines = [_plain(line) for line in screen]
    last = max(_matches(prompt.last, lines), default=-1)
    # What is asked may look like a choice itself, or like an opening: the choices are those at the end.
    first = max(_matches(prompt.first, lines[: last + 1]), default=-1)
    opening = min(_matches(prompt.opening, lines[: first + 1]), default=-1) if prompt.opening else 0
    if first < 0 or opening < 0:
        return None
    return Dialog(tuple(filter(None, lines[opening : last + 1])), screen[first])


def approves_once(prompt: PermissionPrompt, dialog: Dialog) -> bool:
    """Whether the key that approves means this one time, and nothing beyond it."""
    return re.fullmatch(prompt.once, _plain(dialog.first)) is not None and prompt.mark in dialog.first


def _plain(line: str) -> str:
    return " ".join(_DECORATION.sub(" ", line).split())


def _matches(pattern: str, lines: Sequence[str]) -> Iterator[int]:
    return (at for at, line in enumerate(lines) if re.fullmatch(pattern, line))
