"""Read the files in an audit folder that other tools wrote, as text."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any, cast

from msgspec import Struct

from reconciler.model.record import Json
from reconciler.model.secrets import HIDDEN
from reconciler.ports import own_files

from .audit import EVENTS, LOG, RECORD, AuditFile, holds_chain
from .record import Records, home_of

_LARGEST = 1 << 18
_OURS = frozenset({EVENTS, LOG, RECORD, *AuditFile})
_SECRETS = frozenset({"password", "auth_token"})
_MEMBER = re.compile(r'("(?:password|auth_token)"\s*:\s*)"(?:[^"\\]|\\.)*"')
SUBSCRIBER = ".subscriber.out"
"""The suffix of the file beside the record that the listener of the original scripts printed to."""


class OtherFile(Struct, frozen=True):
    """One file of another tool."""

    path: str
    size: int
    """Bytes."""
    text: str = ""
    why: str = ""
    """Why the text is missing, or is only a part; empty when it is complete."""


def other_files(records: Records, job_id: str, folder: str) -> Iterator[OtherFile]:
    """The files in an audit folder that reconciler did not write, and the listener's output beside the record.

    The values of `password` and `auth_token` are hidden. Raises ReconcilerError when the folder cannot be read.
    """
    ours = _OURS if os.path.isdir(folder) and holds_chain(folder) else {EVENTS}
    names = sorted(set(os.listdir(folder)) - ours) if os.path.isdir(folder) else []
    yield from (_read_file(os.path.join(folder, name)) for name in names)
    printed = f"{home_of(records, job_id)}{SUBSCRIBER}"
    if os.path.lexists(printed):
        yield _read_file(printed)


def without_secret_members(value: Any) -> Json:
    """Replace the values of keys that hold a secret in a job record, at any depth."""
    match value:
        case Mapping():
            return {key: HIDDEN if key in _SECRETS else without_secret_members(each) for key, each in value.items()}
        case list():
            return [without_secret_members(each) for each in value]
        case _:
            return cast(Json, value)


def _read_file(path: str) -> OtherFile:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        return OtherFile(path, 0, why=_kind(status.st_mode))
    try:
        with own_files.regular(path) as file:
            file.seek(max(status.st_size - _LARGEST, 0))
            data = file.read(_LARGEST)
    except OSError as error:
        return OtherFile(path, status.st_size, why=f"it cannot be read: {error.strerror}")
    if b"\0" in data:
        return OtherFile(path, status.st_size, why="it is not a text file")
    text = _MEMBER.sub(rf'\1"{HIDDEN}"', data.decode(errors="replace"))
    why = f"only its last {_LARGEST >> 10} KiB are shown" if status.st_size > _LARGEST else ""
    return OtherFile(path, status.st_size, text, why)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return "it is a link; links are not followed" if stat.S_ISLNK(mode) else "it is not a regular file"
