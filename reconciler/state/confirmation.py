"""The apply that waits for a confirmation: one at a time, and either confirmed or taken back, never both."""

from __future__ import annotations

import json
import os

from msgspec import Struct, to_builtins

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.generation import Confirmation
from reconciler.model.moment import zoned
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.ports import lockfile
from reconciler.ports.world import Files, Processes


class Waiting(Struct, frozen=True):
    """The folder of the file that tells of it, and the doors to files and processes."""

    folder: str
    files: Files
    processes: Processes

    @property
    def path(self) -> str:
        """The file; there is none while nothing waits."""
        return os.path.join(self.folder, "confirm.json")

    @property
    def log(self) -> str:
        """What the watchdog said."""
        return os.path.join(self.folder, "confirm.log")


def read(waiting: Waiting) -> Confirmation | None:
    """What waits for a confirmation, or None.

    Raises:
        ReconcilerError: The file cannot be read or understood.
    """
    match lockfile.read(waiting.path):
        case Present(data):
            return _understood(waiting.path, data)
        case Absent():
            return None
        case Unknown(reason):
            raise ReconcilerError("cannot tell whether an apply waits for its confirmation", detail=reason)


def write(waiting: Waiting, confirmation: Confirmation) -> None:
    """Let an apply wait."""
    with lockfile.one_at_a_time(waiting.folder):
        waiting.files.write(waiting.path, json.dumps(to_builtins(confirmation)).encode())


def amend(waiting: Waiting, confirmation: Confirmation) -> bool:
    """Say more of the apply that waits; False when it waits no longer."""
    with lockfile.one_at_a_time(waiting.folder):
        found = read(waiting)
        if found is None or found.id != confirmation.id:
            return False
        waiting.files.write(waiting.path, json.dumps(to_builtins(confirmation)).encode())
        return True


def answer(waiting: Waiting) -> Confirmation | None:
    """End the waiting: nothing will be taken back. What waited, or None when nothing did.

    One that has expired stays, as it may be on its way back.
    """
    with lockfile.one_at_a_time(waiting.folder):
        found = read(waiting)
        if found is not None and not found.expired:
            lockfile.remove(waiting.path)
        return found


def forget(waiting: Waiting) -> None:
    """It is over, whatever it was."""
    with lockfile.one_at_a_time(waiting.folder):
        lockfile.remove(waiting.path)


def is_watched(confirmation: Confirmation, processes: Processes) -> bool:
    """Whether its watchdog lives: it ends with the machine's boot at the latest."""
    return _lives(confirmation, processes, confirmation.watchdog_pid, confirmation.watchdog_started)


def is_applying(confirmation: Confirmation, processes: Processes) -> bool:
    """Whether the apply itself still works."""
    return _lives(confirmation, processes, confirmation.apply_pid, confirmation.apply_started)


def describe_waiting(waiting: Waiting) -> tuple[Diagnostic, ...]:
    """What the user of any command has to know of an apply that waits, or was not confirmed."""
    try:
        found = read(waiting)
    except ReconcilerError as error:
        return error.diagnostics
    return (_warning(found, waiting),) if found else ()


def _warning(found: Confirmation, waiting: Waiting) -> Diagnostic:
    name, back = f"generation {found.generation}", f"reconciler rollback {found.back_to}"
    ways = f"keep it with `reconciler confirm`, or go back with `{back}`"
    match (found.expired, is_watched(found, waiting.processes)):
        case (False, True):
            until = f" until {found.deadline}" if found.deadline else ""
            summary = f"{name} waits for its confirmation{until}"
            detail = f"without it, generation {found.back_to} comes back by itself"
        case (True, True):
            summary, detail = f"{name} was not confirmed in time", f"generation {found.back_to} is being restored"
            ways = "wait for it: `reconciler lock status`"
        case (True, False):
            summary = f"{name} was not confirmed, and is not taken back wholly"
            detail = f"what went wrong is in {waiting.log}"
            ways = f"choose one: `reconciler rollback {found.generation}` or `{back}`"
        case _:
            summary = f"{name} was not confirmed, and nothing takes it back any more"
            detail = "its watchdog is gone: the machine was started anew, or the process was ended"
    return Diagnostic(Severity.WARNING, summary, detail, ways)


def _lives(confirmation: Confirmation, processes: Processes, pid: int, started: int) -> bool:
    if not pid or confirmation.boot_id != lockfile.current_namespace().boot:
        return False
    return processes.started(pid) == Present(started)


def _understood(path: str, data: bytes) -> Confirmation:
    try:
        found = shaped(Confirmation, read_json(data))
        if found.deadline:
            zoned(found.deadline)
    except ValueError as error:
        fix = f"look at it; without it nothing waits: rm {path}"
        raise ReconcilerError(f"{path} cannot be understood", detail=str(error), fix=fix) from error
    return found
