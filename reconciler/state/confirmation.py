"""Store the apply that waits for a confirmation: at most one, and it is either confirmed or rolled back, never both."""

from __future__ import annotations

import json
import os

from msgspec import Struct, to_builtins

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.generation import Confirmation
from reconciler.model.moment import parse_zoned
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.ports import lockfile
from reconciler.ports.world import Files, Processes


class Waiting(Struct, frozen=True):
    """Where the waiting apply is stored, and the ports to use it."""

    folder: str
    files: Files
    processes: Processes

    @property
    def path(self) -> str:
        """The file of the waiting apply; it exists only while one waits."""
        return os.path.join(self.folder, "confirm.json")

    @property
    def log(self) -> str:
        """The output of the watchdog."""
        return os.path.join(self.folder, "confirm.log")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """As `describe_waiting`."""
        return describe_waiting(self)


def read(waiting: Waiting) -> Confirmation | None:
    """The apply that waits for a confirmation, or None.

    Raises:
        ReconcilerError: The file cannot be read or understood.
    """
    match lockfile.read(waiting.path):
        case Present(data):
            return _understood(waiting.path, data)
        case Absent():
            return None
        case Unknown(reason):
            raise ReconcilerError("cannot tell whether an apply waits for a confirmation", detail=reason)


def write(waiting: Waiting, confirmation: Confirmation) -> None:
    """Store an apply that waits for its confirmation."""
    with lockfile.one_at_a_time(waiting.folder):
        waiting.files.write(waiting.path, json.dumps(to_builtins(confirmation)).encode())


def amend(waiting: Waiting, confirmation: Confirmation) -> bool:
    """Update the waiting apply; False when it no longer waits."""
    with lockfile.one_at_a_time(waiting.folder):
        found = read(waiting)
        if found is None or found.id != confirmation.id:
            return False
        waiting.files.write(waiting.path, json.dumps(to_builtins(confirmation)).encode())
        return True


def answer(waiting: Waiting) -> Confirmation | None:
    """Confirm the waiting apply, so that it is not rolled back. Returns it, or None when none waits.

    An expired apply stays: its rollback may already be running.
    """
    with lockfile.one_at_a_time(waiting.folder):
        found = read(waiting)
        if found is not None and not found.expired:
            lockfile.remove(waiting.path)
        return found


def forget(waiting: Waiting) -> None:
    """Delete the waiting apply, whatever its state."""
    with lockfile.one_at_a_time(waiting.folder):
        lockfile.remove(waiting.path)


def is_watched(confirmation: Confirmation, processes: Processes) -> bool:
    """Whether the watchdog of the apply is running. It does not survive a restart of the machine."""
    return _lives(confirmation, processes, confirmation.watchdog_pid, confirmation.watchdog_started)


def is_applying(confirmation: Confirmation, processes: Processes) -> bool:
    """Whether the apply itself is still running."""
    return _lives(confirmation, processes, confirmation.apply_pid, confirmation.apply_started)


def describe_waiting(waiting: Waiting) -> tuple[Diagnostic, ...]:
    """A warning about an apply that waits for a confirmation or was not confirmed; every command shows it."""
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
            detail = f"without it, reconciler rolls back to generation {found.back_to}"
        case (True, True):
            summary, detail = f"{name} was not confirmed in time", f"generation {found.back_to} is being restored"
            ways = "wait until it has ended: `reconciler lock status`"
        case (True, False):
            summary = f"{name} was not confirmed, and its rollback is not complete"
            detail = f"see what went wrong in {waiting.log}"
            ways = f"choose one: `reconciler rollback {found.generation}` or `{back}`"
        case _:
            summary = f"{name} was not confirmed, and no process will roll it back"
            detail = "its watchdog has ended: the machine was restarted, or the process was killed"
    return Diagnostic(Severity.WARNING, summary, detail, ways)


def _lives(confirmation: Confirmation, processes: Processes, pid: int, started: int) -> bool:
    if not pid or confirmation.boot_id != lockfile.current_namespace().boot:
        return False
    return processes.started(pid) == Present(started)


def _understood(path: str, data: bytes) -> Confirmation:
    try:
        found = shaped(Confirmation, read_json(data))
        if found.deadline:
            parse_zoned(found.deadline)
    except ValueError as error:
        fix = f"check the file; to forget the waiting apply: rm {path}"
        raise ReconcilerError(f"{path} is damaged", detail=str(error), fix=fix) from error
    return found
