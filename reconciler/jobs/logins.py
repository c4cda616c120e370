"""Find broker passwords in job records in plain text, and move each into a file of its own.

No backup of a record is kept, because it would have the password. All other bytes of the record stay, and so does its
modification time.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from msgspec import Struct

from reconciler.model.adoption import Assumption, LeftAlone
from reconciler.model.diagnostic import Place
from reconciler.model.errors import ReconcilerError
from reconciler.model.read_json import read_json
from reconciler.model.redacted import Redacted
from reconciler.model.utf8 import is_utf8
from reconciler.ports import own_files
from reconciler.text.characters import decoded, encoded
from reconciler.text.json import places, renamed

from .reading import RecordUnreadable
from .record import Records, home_of, locked, look_at_all, path_of

_NAME = "broker.password"
_BY_HAND = "write the password into a file with mode 0600, and set `password_file` in the record to its path"


class RecordChange(Struct, frozen=True):
    """The planned change of one job record."""

    job_id: str
    path: str
    password_file: str
    """The new file of the password; empty when no password moves."""
    username: str
    """The user of the password; empty when the record does not say."""
    narrow: bool
    """Whether other users can read the record now; the change makes it 0600."""
    place: Place


class RecordsFound(Struct, frozen=True):
    """The job records of a folder, and what would change in them."""

    jobs: int
    """Records that can be read."""
    older: int
    """How many of them the original scripts wrote."""
    changes: tuple[RecordChange, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()


class _Raw(Redacted, frozen=True):
    """A record as it is on disk; `changed` is its modification time in nanoseconds."""

    data: bytes
    mode: int
    changed: int


def look_into(records: Records) -> RecordsFound:
    """Read all job records, and return what would change. Writes nothing.

    Raises:
        Refused: Other users may write to the folder.
        ReconcilerError: The folder cannot be listed.
    """
    found, broken = look_at_all(records)
    decided = [_decided(records, each.job.id) for each in found]
    return RecordsFound(
        jobs=len(found),
        older=sum(each.is_older for each in found),
        changes=tuple(each for each in decided if isinstance(each, RecordChange)),
        assumptions=tuple(assumption for each in found for assumption in each.assumptions),
        left_alone=(
            *(each for each in decided if isinstance(each, LeftAlone)),
            *(_unreadable(error) for error in broken),
        ),
    )


def change_of(job_id: str, path: str, data: bytes, mode: int) -> RecordChange | LeftAlone | None:
    """The change that a record needs, by its bytes and mode; None when it needs none. Pure."""
    content = _object(data)
    broker = content.get("broker")
    settings = broker if isinstance(broker, dict) else {}
    password, narrow = settings.get("password"), bool(mode & (stat.S_IRGRP | stat.S_IROTH))
    place = _place(path, data, _NAME)
    if password in (None, ""):
        holds_token = bool(content.get("auth_token"))
        return RecordChange(job_id, path, "", "", narrow=True, place=Place(path)) if narrow and holds_token else None
    target = os.path.join(os.path.dirname(path), job_id, _NAME)
    if why := _immovable(data, settings, target):
        return LeftAlone(f"the broker's password in the record of job {job_id}", why, _BY_HAND, place)
    return RecordChange(job_id, path, target, str(settings.get("username") or ""), narrow, place)


def carry_out(records: Records, change: RecordChange) -> bool:
    """Make the change, if the record still needs it. False when it no longer does.

    The password's file is written before the record, so that a crash loses nothing.

    Raises:
        UnknownJob: The record is gone.
        ReconcilerError: Something cannot be read or written; the record is complete, old or new.
    """
    path = path_of(records, change.job_id)
    with locked(records, change.job_id):
        raw = _raw(path)
        needed = change_of(change.job_id, path, raw.data, raw.mode)
        if not isinstance(needed, RecordChange):
            return False
        if needed.password_file:
            records.files.make_folder(home_of(records, change.job_id), 0o700)
            records.files.write(needed.password_file, _password(raw.data).encode() + b"\n", 0o600)
            records.files.write(path, _moved(raw.data, needed.password_file), 0o600)
        _settle(path, raw.changed)
    return True


def _decided(records: Records, job_id: str) -> RecordChange | LeftAlone | None:
    path = path_of(records, job_id)
    raw = _raw(path)
    return change_of(job_id, path, raw.data, raw.mode)


def _raw(path: str) -> _Raw:
    try:
        with own_files.regular(path) as file:
            status = os.fstat(file.fileno())
            return _Raw(file.read(), status.st_mode, status.st_mtime_ns)
    except OSError as error:
        raise ReconcilerError(f"cannot read {path}: {error.strerror}") from error


def _settle(path: str, changed: int) -> None:
    """Make the record 0600, and restore its time: an older record gets its `created_at` from that."""
    try:
        own_files.restrict(path)
        own_files.set_time(path, changed)
    except OSError as error:
        raise ReconcilerError(f"cannot change the mode of {path}: {error.strerror}") from error


def _unreadable(error: RecordUnreadable) -> LeftAlone:
    first = error.diagnostics[0]
    return LeftAlone("a job record", error.summary, error.fix, first.place)


# --- the text of a record ---------------------------------------------------------------------


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = read_json(data)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _place(path: str, data: bytes, key: str) -> Place:
    try:
        return Place(path, *places(decoded(data)).get(key, (0, 0)))
    except ValueError:
        return Place(path)


def _immovable(data: bytes, settings: dict[str, Any], target: str) -> str:
    """Why the password cannot be moved; empty when it can."""
    password = settings["password"]
    if not isinstance(password, str):
        return "it is not a string"
    if not is_utf8(password) or any(char in password for char in "\r\n\0"):
        return "it does not fit on one line of a text file"
    if settings.get("password_file") or settings.get("password_env"):
        return "the record also names another place of the password"
    try:
        _moved(data, target)
    except ValueError as error:
        return f"the record cannot be edited: {error}"
    return ""


def _password(data: bytes) -> str:
    return str(_object(data)["broker"]["password"])


def _moved(data: bytes, target: str) -> bytes:
    text = renamed(decoded(data), ("broker", "password"), "password_file", target)
    return encoded(text, data)
