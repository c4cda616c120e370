"""The notes about the projects of a user: one small file a project, named after a digest of its registry's path.

A note is replaced as a whole, so that readers need no lock. Only the apply that holds the project's lock writes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct, to_builtins

from reconciler.model.errors import ReconcilerError
from reconciler.model.project_note import ProjectNote
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.model.utf8 import as_bytes
from reconciler.ports import own_files
from reconciler.ports.own_files import LinkInTheWay
from reconciler.ports.private_files import expect_own_folder, read_private

_VERSION = 1
_SUFFIX = ".json"
_LARGEST = 1 << 16  # bytes; a note has a few paths


class StoredNote(Struct, frozen=True):
    """The file of a note, and what it says; without a `note`, `trouble` says why it cannot be read."""

    file: str
    note: ProjectNote | None
    trouble: str = ""


class DamagedNote(ValueError):
    """A file in the folder is not a note."""


def fence_notes(state_home: str, folder: str) -> None:
    """From now on, follow no link from `state_home` to the notes in `folder` below it."""
    own_files.fence(state_home, [os.path.relpath(folder, state_home)], "XDG_STATE_HOME={}")


def note_file(folder: str, registry: str) -> str:
    """The path of the note about the project with this registry. Both names of a linked folder give the same one."""
    return os.path.join(folder, sha256(as_bytes(os.path.realpath(registry))).hexdigest()[:32] + _SUFFIX)


def stored_notes(folder: str) -> Iterator[StoredNote]:
    """All notes, sorted by file name; none without the folder.

    Raises:
        ReconcilerError: The folder cannot be read.
    """
    try:
        with own_files.opened(folder) as descriptor:
            names = sorted(name for name in os.listdir(descriptor) if _is_note(name))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ReconcilerError(f"the notes in {folder} cannot be read", detail=error.strerror or "") from error
    yield from (found for name in names if (found := _stored(folder, name)))


def read_note(folder: str, registry: str) -> ProjectNote | None:
    """The note about the project with this registry; None if there is none, or it is damaged."""
    found = _stored(folder, os.path.basename(note_file(folder, registry)))
    return found.note if found else None


def write_note(folder: str, note: ProjectNote) -> None:
    """Replace the note about a project; only its owner can read it. Raises OSError or LinkInTheWay."""
    own_files.make_folder(folder, 0o700)
    expect_own_folder(folder)
    content = json.dumps({"version": _VERSION, **to_builtins(note)}, indent=1)
    own_files.replace(note_file(folder, note.registry), content.encode() + b"\n", 0o600)


def remove_note(file: str) -> None:
    """Remove the file of a note; a missing one is fine. Raises OSError or LinkInTheWay."""
    folder, name = os.path.split(file)
    try:
        with own_files.opened(folder) as descriptor:
            os.unlink(name, dir_fd=descriptor)
    except FileNotFoundError:
        return


def _is_note(name: str) -> bool:
    return name.endswith(_SUFFIX) and not name.startswith(".")


def _stored(folder: str, name: str) -> StoredNote | None:
    """The note in a file; None if the file is missing, also when it was removed a moment ago."""
    path = os.path.join(folder, name)
    try:
        return StoredNote(path, _understood(read_private(folder, name, _LARGEST)))
    except FileNotFoundError:
        return None
    except DamagedNote as error:
        return StoredNote(path, None, str(error))
    except OSError as error:
        return StoredNote(path, None, error.strerror or "it cannot be read")
    except LinkInTheWay as error:
        return StoredNote(path, None, error.summary)


def _understood(data: bytes) -> ProjectNote:
    """Raises DamagedNote."""
    try:
        content = read_json(data)
        note = shaped(ProjectNote, content)
        paths = (note.root, note.registry, note.socket)
    except ValueError as error:
        raise DamagedNote(f"it is damaged: {error}") from error
    if content.get("version") != _VERSION:
        raise DamagedNote("it was written by another version of reconciler")
    if not all(os.path.isabs(path) and "\0" not in path for path in paths):
        raise DamagedNote("it is damaged: a path in it is not absolute")
    return note
