"""Put the skills into a folder where an agent CLI finds them."""

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

_SEAL = re.compile(rb"\n<!-- written by reconciler; sha256 of what is above: ([0-9a-f]{64}) -->\n\Z")
_MODE = 0o644  # nothing in it is secret, and agents of other users may read it


class CopyResult(StrEnum):
    """What becomes of one file."""

    NEW = "written"
    UPDATED = "updated"
    SAME = "is there already"
    EDITED = "kept, since it was edited"
    FORCED = "overwritten, although it was edited"


class Copy(Struct, frozen=True):
    """One skill on its way to `path`."""

    path: str
    data: bytes
    fate: CopyResult


def plan(skills: Iterable[Skill], folder: str, files: Files, *, force: bool) -> tuple[Copy, ...]:
    """What an installation would do; what was edited is overwritten only by `force`.

    Raises:
        ReconcilerError: A file that is there cannot be read.
    """
    return tuple(
        _copy(with_digest(skill.text), os.path.join(folder, skill.name, FILE), files, force) for skill in skills
    )


def write(copies: Iterable[Copy], files: Files) -> None:
    """Write what is planned, each file at once.

    Raises:
        ReconcilerError: One cannot be written.
    """
    for copy in copies:
        if copy.fate not in {CopyResult.SAME, CopyResult.EDITED}:
            files.make_folder(os.path.dirname(copy.path))
            files.write(copy.path, copy.data, _MODE)


def with_digest(text: str) -> bytes:
    """The text, and below it the digest by which it is known to be unedited."""
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
    seal = _SEAL.search(data)
    return seal is not None and seal[1].decode() == _digest(data[: seal.start()])


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
