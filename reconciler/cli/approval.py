"""Questions to the user on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from getpass import getpass

from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.ports.world import Files
from reconciler.render.output import ask, tell


def has_terminal() -> bool:
    """Whether a user at a terminal can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def approved() -> bool:
    """Ask whether to do what was just shown; only `yes` agrees."""
    answer = ask("\nDo you want to perform these actions? Only 'yes' will be accepted.\n  Enter a value: ")
    return answer.strip() == "yes"


def confirmation_needed(consent: str = "--auto-approve") -> UsageError:
    """The error when no terminal is there for a question; `consent` is the option to pass instead."""
    return UsageError("needs confirmation, but there is no terminal", fix=f"pass {consent}")


def agreed(lines: Sequence[str], *, auto_approve: bool, may_ask: bool) -> bool:
    """Print the lines, and ask whether to do what they say."""
    tell(*lines)
    if auto_approve:
        return True
    if not (may_ask and has_terminal()):
        raise confirmation_needed()
    return approved()


def given_password(files: Files, user: str, path: str, *, may_ask: bool) -> str:
    """The password of a user, from the file `path` (`-` is standard input), else typed at the terminal; never shown.

    Raises:
        UsageError: There is no terminal to ask at, or the password is not one line of text.
        ReconcilerError: The file cannot be read.
    """
    if path:
        return _one_line(sys.stdin.buffer.read() if path == "-" else _content(files, path), path)
    if not (may_ask and has_terminal()):
        raise UsageError("a password is needed, but there is no terminal", fix="pass --password-file FILE")
    return _one_line(getpass(f"Password of {user}: ").encode(errors="surrogateescape"), "the password")


def _content(files: Files, path: str) -> bytes:
    match files.read(path):
        case Present(data):
            return data
        case Absent():
            raise ReconcilerError(f"{path} does not exist", fix="correct --password-file")
        case Unknown(reason):
            raise ReconcilerError(f"{path} cannot be read", detail=reason)


def _one_line(data: bytes, source: str) -> str:
    try:
        secret = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError(f"{source} is not UTF-8 text", fix="write only the password into it") from None
    if not secret or "\n" in secret or "\0" in secret:
        raise UsageError(f"{source} must have exactly one line", fix="write only the password into it")
    return secret


def terminal_name(env: Mapping[str, str]) -> str:
    """The name of the user's terminal, `CI`, or empty."""
    if env.get("CI"):
        return "CI"
    try:
        return os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):  # no terminal, or no standard input at all
        return ""
