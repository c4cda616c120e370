"""A password from the user: typed on the terminal without being shown, or read from a file; never an argument."""

from __future__ import annotations

import sys
from getpass import getpass

from reconciler.app.project.project import Project
from reconciler.cli.approval import somebody_is_there
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Absent, Present, Unknown


def given_password(at: Project, user: str, path: str, *, may_ask: bool) -> str:
    """The password of a user, from the file at `path` (`-` is standard input), else from the terminal.

    Raises:
        UsageError: There is no terminal to ask on, or what was given is not one line of text.
        ReconcilerError: The file cannot be read.
    """
    if path:
        return _one_line(sys.stdin.buffer.read() if path == "-" else _content(at, path), path)
    if not (may_ask and somebody_is_there()):
        raise UsageError("a password is needed, but there is no terminal", fix="pass --password-file FILE")
    return _one_line(getpass(f"Password of {user}: ").encode(errors="surrogateescape"), "the password")


def _content(at: Project, path: str) -> bytes:
    match at.files.read(path):
        case Present(data):
            return data
        case Absent():
            raise ReconcilerError(f"there is no file {path}", fix="correct --password-file")
        case Unknown(reason):
            raise ReconcilerError(f"{path} cannot be read", detail=reason)


def _one_line(data: bytes, source: str) -> str:
    try:
        secret = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError(
            f"{source} is not text in UTF-8", fix="write the password, and nothing else, into it"
        ) from None
    if not secret or "\n" in secret or "\0" in secret:
        raise UsageError(f"{source} does not hold one line", fix="write the password, and nothing else, into it")
    return secret
