"""Install the skills in a folder where an agent CLI finds them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.ports.world import Files

from .texts import FILE, Skill

_DIGEST_LINE = re.compile(rb"\n<!-- written by reconciler; sha256 of what is above: ([0-9a-f]{64}) -->\n\Z")
_MODE = 0o644  # a skill has no secrets, and agents of other users may read it


class CopyResult(StrEnum):
    """What the installation does with one file."""

    NEW = "written"
    UPDATED = "updated"
    SAME = "is there already"
    EDITED = "kept, since it was edited"
    FORCED = "overwritten, although it was edited"


class Copy(Struct, frozen=True):
    """One skill, the `path` to which it is installed, and what happens to that file."""

    path: str
    data: bytes
    result: CopyResult


def plan(skills: Iterable[Skill], folder: str, files: Files, *, force: bool) -> tuple[Copy, ...]:
    """What an installation would do. An edited file is overwritten only with `force`.

    Raises:
        ReconcilerError: An existing file cannot be read.
    """
    return tuple(
        _copy(with_digest(skill.text), os.path.join(folder, skill.name, FILE), files, force) for skill in skills
    )


def write(copies: Iterable[Copy], files: Files) -> None:
    """Write the planned copies, each file at once.

    Raises:
        ReconcilerError: A file cannot be written.
    """
    for copy in copies:
        if copy.result not in {CopyResult.SAME, CopyResult.EDITED}:
            files.make_folder(os.path.dirname(copy.path))
            files.write(copy.path, copy.data, _MODE)


def with_digest(text: str) -> bytes:
    """The text, followed by its digest, which shows later whether the text was edited."""
    data = text.encode()
    return data + f"\n<!-- written by reconciler; sha256 of what is above: {_digest(data)} -->\n".encode()


def _copy(data: bytes, path: str, files: Files, force: bool) -> Copy:
    match files.read(path):
        case Absent():
            return Copy(path, data, CopyResult.NEW)
        case Present(before) if before == data:
            return Copy(path, data, CopyResult.SAME)
        case Present(before) if _is_unedited(before):
            return Copy(path, data, CopyResult.UPDATED)
        case Present():
            return Copy(path, data, CopyResult.FORCED if force else CopyResult.EDITED)
        case Unknown(reason):
            raise ReconcilerError(f"{path} cannot be read", detail=reason)


def _is_unedited(data: bytes) -> bool:
    found = _DIGEST_LINE.search(data)
    return found is not None and found[1].decode() == _digest(data[: found.start()])


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
