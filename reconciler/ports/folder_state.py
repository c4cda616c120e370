"""Look at a folder as a place for our files: to whom it belongs, and whether something more fits in."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from . import proc
from .ownership import user_name

_ESCAPES = {r"\040": " ", r"\011": "\t", r"\012": "\n", r"\134": "\\"}  # proc_pid_mountinfo(5)


class FolderState(Struct, frozen=True, kw_only=True):
    """What a folder offers."""

    is_folder: bool
    # The name of its owner; empty when it is this user.
    owner: str
    # The permissions, as chmod(1) takes them.
    mode: int
    # Whether this user may create files in it. False on a read-only file system, too.
    writable: bool
    # Bytes that this user may still write, and files that fit in; None when the file system does not say.
    free: int
    files_left: int | None
    # The kind of its file system, such as ext4; empty when unknown.
    kind: str = ""


def folder_state(path: str) -> Observed[FolderState]:
    """What is at this path. Nothing is written."""
    try:
        found, room = os.stat(path), os.statvfs(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        return Unknown(f"{path}: {error.strerror}")
    return Present(
        FolderState(
            is_folder=stat.S_ISDIR(found.st_mode),
            owner="" if found.st_uid == os.geteuid() else user_name(found.st_uid),
            mode=stat.S_IMODE(found.st_mode),
            writable=os.access(path, os.W_OK | os.X_OK),
            free=room.f_bavail * room.f_frsize,
            files_left=room.f_favail if room.f_files else None,
            kind=_kind(os.path.realpath(path)),
        )
    )


def nearest(path: str) -> str:
    """The path, or the nearest folder above it that exists, as far as that can be seen."""
    while path != os.path.dirname(path):
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            path = os.path.dirname(path)
        except OSError:  # a folder above it may not be entered
            return path
        else:
            return path
    return path


def _kind(path: str) -> str:
    """The type of the file system that is mounted where the path is."""
    try:
        with open(f"{proc.ROOT}/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.split(" ") for line in file]
    except OSError:
        return ""
    mounts = {_plain(row[4]): row[row.index("-") + 1] for row in rows if "-" in row and len(row) > 4}
    above = [mount for mount in mounts if path == mount or path.startswith(f"{mount.rstrip('/')}/")]
    return mounts[max(above, key=len)] if above else ""


def _plain(field: str) -> str:
    for escape, character in _ESCAPES.items():
        field = field.replace(escape, character)
    return field
