"""A CLI's permission dialog: find it on the screen, and know which keys answer it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

# Frames, the mark of the selected choice, and spinners. None of these characters has a meaning in a shell command.
_DECORATION = re.compile("[\u2022\u203a\u2500-\u25ff\u276f\u2800-\u28ff]")


class Answer(StrEnum):
    """An answer to a permission prompt. "Always" is not one: reconciler never gives a lasting permission."""

    APPROVE = "approve"
    DENY = "deny"


class PermissionPrompt(NamedTuple):
    """How a CLI asks for a permission. The regular expressions match whole lines without decoration."""

    # A regular expression for the line of the first choice.
    first: str
    # A regular expression for the line of the last choice.
    last: str
    # A regular expression for the line of the first choice when it means "only this time".
    once: str
    # The key for the first choice, by its tmux name.
    approve: str
    # The key that denies, by its tmux name.
    deny: str = "Escape"
    # A regular expression for the line above the question. Without it, everything above may be part of the question.
    opening: str = ""
    # The mark of the selected choice, for a CLI whose `approve` key takes the selected one: it must be in the first.
    mark: str = ""
    # A regular expression for a line of the dialog that asks why, after `deny`. There, Enter denies without a reason.
    reason: str = ""


class Dialog(NamedTuple):
    """A permission dialog as it is on the screen."""

    # Its lines, without decoration.
    lines: tuple[str, ...]
    # The line of the first choice, with its decoration.
    first: str

    @property
    def digest(self) -> str:
        """The SHA-256 of its lines: another question has another digest."""
        return sha256("\n".join(self.lines).encode(errors="replace")).hexdigest()

    @property
    def asked(self) -> tuple[str, ...]:
        """The lines above the choices."""
        upwards = self.lines[::-1]
        return self.lines[: -1 - upwards.index(_plain(self.first))]

    @property
    def question(self) -> str:
        """The last line that ends with a question mark, else the first line; for the user."""
        return next((line for line in reversed(self.lines) if line.endswith("?")), self.lines[0])


def dialog_on(prompt: PermissionPrompt, screen: Sequence[str]) -> Dialog | None:
    """Find the dialog at the end of a screen; None when there is none, or it is not complete."""
    lines = [_plain(line) for line in screen]
    last = max(_matches(prompt.last, lines), default=-1)
    # The question itself may contain lines that look like a choice or an opening, so the last choices count.
    first = max(_matches(prompt.first, lines[: last + 1]), default=-1)
    opening = min(_matches(prompt.opening, lines[: first + 1]), default=-1) if prompt.opening else 0
    if first < 0 or opening < 0:
        return None
    return Dialog(tuple(filter(None, lines[opening : last + 1])), screen[first])


def approves_once(prompt: PermissionPrompt, dialog: Dialog) -> bool:
    """True when the `approve` key gives the permission for this one time only."""
    return re.fullmatch(prompt.once, _plain(dialog.first)) is not None and prompt.mark in dialog.first


def asks_for_reason(prompt: PermissionPrompt, screen: Sequence[str]) -> bool:
    """True when the CLI asks why it was denied. False while its permission dialog is shown: Enter would approve it."""
    asks = bool(prompt.reason) and any(_matches(prompt.reason, [_plain(line) for line in screen]))
    return asks and dialog_on(prompt, screen) is None


def _plain(line: str) -> str:
    return " ".join(_DECORATION.sub(" ", line).split())


def _matches(pattern: str, lines: Sequence[str]) -> Iterator[int]:
    return (at for at, line in enumerate(lines) if re.fullmatch(pattern, line))
