"""The folder of the state files, and the format of a notice in them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from reconciler.model.address import parse_address
from reconciler.model.drift_class import DriftClass
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.read_json import read_json
from reconciler.model.watch import Notice
from reconciler.ports.world import Clock, Files

from .news import DriftKey, key_of

MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
"""The errors that the content of a damaged file can cause."""

_LARGEST = 1 << 25


class StateFolder(Struct, frozen=True):
    """The folder of the state files, with the ports to use it."""

    path: str
    files: Files
    clock: Clock


def state_files(folder: StateFolder, suffix: str) -> tuple[str, ...]:
    """The paths of the files whose names end with `suffix`, sorted.

    Raises:
        ReconcilerError: The folder cannot be read.
    """
    try:
        names = sorted(os.listdir(folder.path))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ReconcilerError(f"{folder.path} cannot be read", detail=error.strerror or "") from error
    return tuple(os.path.join(folder.path, name) for name in names if name.endswith(suffix))


def read(folder: StateFolder, path: str) -> Any:
    """The JSON in a file; None if the file does not exist.

    Raises:
        ReconcilerError: It cannot be read.
        ValueError: It is not JSON.
    """
    match folder.files.read(path, _LARGEST):
        case Present(data):
            return read_json(data)
        case Absent():
            return None
        case Unknown(reason):
            raise ReconcilerError(f"the state of the monitor cannot be read: {reason}", fix=f"make {path} readable")


def write(folder: StateFolder, path: str, content: Mapping[str, Any]) -> None:
    """Replace a file; only its owner can read it.

    Raises:
        ReconcilerError: It cannot be written.
    """
    folder.files.make_folder(folder.path, 0o700)
    folder.files.write(path, json.dumps(content, indent=1).encode() + b"\n", 0o600)


def set_aside(folder: StateFolder, path: str) -> str:
    """Rename a damaged file. Returns the sentence about it.

    Raises:
        ReconcilerError: It cannot be renamed.
    """
    aside = f"{path}.bad-{folder.clock.now():%Y%m%dT%H%M%S%f}"
    try:
        os.rename(path, aside)
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be renamed", detail=error.strerror or "") from error
    return f"{path} is damaged and was renamed to {aside}"


def head(key: DriftKey) -> dict[str, str]:
    """The first keys of each entry in a file."""
    return dict(zip(("class", "session", "address"), key, strict=True))


def key_in(entry: Mapping[str, Any]) -> DriftKey:
    """The inverse of `head`."""
    return (str(entry["class"]), str(entry["session"]), str(entry["address"]))


def entry_of(notice: Notice) -> dict[str, Any]:
    """A notice as an entry of a file, without its edits."""
    drift = notice.drift
    said = {"message": drift.message, "before": drift.before, "after": drift.after, "path": drift.path}
    return {**head(key_of(drift)), **said, "count": notice.count}


def notice_in(entry: Mapping[str, Any]) -> Notice:
    """The inverse of `entry_of`."""
    letter, session, address = key_in(entry)
    drift = Drift(
        kind=DriftClass(letter),
        session=session,
        address=parse_address(address),
        message=str(entry["message"]),
        before=entry["before"],
        after=entry["after"],
        path=str(entry.get("path", "")),  # missing in older files
    )
    return Notice(drift, int(entry["count"]))
