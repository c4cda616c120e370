"""The project's lock: one process at a time changes the registry and the world it describes.

The lock is a file that tells who holds it. It is taken from a holder only when that one is proven
dead; a holder on another machine, or one that cannot be looked at, holds it still.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from msgspec import Struct, to_builtins
from msgspec.structs import fields

from reconciler import __version__
from reconciler.model.errors import LockHeld, ReconcilerError, Refused, UsageError
from reconciler.model.moment import read, to_second
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.ports import lockfile
from reconciler.ports.origin import machine_mark
from reconciler.ports.world import Clock, Processes

UNREADABLE = "unreadable"
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
MONITOR = "monitor"
"""The operation of a holder that looks and writes once: it is waited for in any case."""
_MONITOR_SECONDS = 10.0


class Lock(Struct, frozen=True):
    """The folder that the lock is in, and the doors that tell whether its holder lives."""

    folder: str
    processes: Processes
    clock: Clock

    @property
    def path(self) -> str:
        """The lock file."""
        return os.path.join(self.folder, "lock")


class LockInfo(Struct, frozen=True):
    """Who holds the lock, and what for. `created` is UTC, ISO 8601 with a Z.

    A lock file that cannot be understood has the id `unreadable` and nothing else.
    """

    id: str
    operation: str = ""
    who: str = ""
    pid: int = 0
    pid_started: int = 0
    boot_id: str = ""
    pid_namespace: str = ""
    created: str = ""
    version: str = ""
    machine: str = ""

    @property
    def host(self) -> str:
        """The host in `who`, which is user@host."""
        return self.who.rpartition("@")[2]


class HolderState(StrEnum):
    """What is known about the process that holds the lock."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class LockStatus(Struct, frozen=True):
    """The lock, and whether its holder lives."""

    info: LockInfo
    holder: HolderState


class Held(Struct, frozen=True):
    """The lock is ours; `note` tells the user from whom it was taken, if it was."""

    info: LockInfo
    note: str = ""


@contextmanager
def hold(lock: Lock, operation: str, timeout: float = 0) -> Iterator[Held]:
    """Hold the lock while the block runs; waits up to `timeout` seconds for it, and longer for the monitor.

    Raises:
        LockHeld: Somebody else holds it still; tells who, since when, and the way out.
        ReconcilerError: The folder cannot be written.
    """
    held = _wait(lock, _info(lock, operation), timeout)
    try:
        yield held
    except BaseException:
        with suppress(ReconcilerError):  # what went wrong before is what the user has to know
            _release(lock, held.info)
        raise
    _release(lock, held.info)


def status(lock: Lock) -> Observed[LockStatus]:
    """Who holds the lock; Absent when nobody does. Writes nothing."""
    match lockfile.read(lock.path):
        case Present(data):
            info = _understood(data)
            return Present(LockStatus(info, _holder(info, lock.processes)))
        case Absent() | Unknown() as answer:
            return answer


def unlock(lock: Lock, identifier: str) -> None:
    """Remove the lock with this id, unless its holder is known to live.

    Raises:
        UsageError: There is no such lock; tells the one that there is.
        Refused: The process that holds it still runs.
        ReconcilerError: It cannot be read, or not removed.
    """
    if isinstance(status(lock), Absent):
        raise UsageError(f"no lock has the ID {identifier}: nothing is locked")
    with lockfile.one_at_a_time(lock.folder):
        match status(lock):
            case Present(found):
                _guard(found, identifier, lock.clock)
                lockfile.remove(lock.path)
            case Unknown(reason):
                raise ReconcilerError(f"the lock cannot be read: {reason}")
            case Absent():
                return


def _guard(found: LockStatus, identifier: str, clock: Clock) -> None:
    info = found.info
    if info.id != identifier:
        fix = f"reconciler unlock {info.id}"
        raise UsageError(
            f"no lock has the ID {identifier}; current: {info.id}", detail=describe_holder(info, clock), fix=fix
        )
    if found.holder is HolderState.ALIVE:
        raise Refused(f"pid {info.pid} holds the lock and still runs", fix=f"end it first: kill {info.pid}")


def _wait(lock: Lock, ours: LockInfo, timeout: float) -> Held:
    began = lock.clock.monotonic()
    pause = _FIRST_PAUSE
    while True:
        claimed = _claim(lock, ours)
        if isinstance(claimed, Held):
            return claimed
        patience = max(timeout, _MONITOR_SECONDS) if claimed.operation == MONITOR else timeout
        left = began + patience - lock.clock.monotonic()
        if left <= 0:
            raise _lock_held(claimed, lock.clock)
        lock.clock.wait(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _claim(lock: Lock, ours: LockInfo) -> Held | LockInfo:
    """The lock, or who holds it."""
    data = json.dumps(to_builtins(ours)).encode()
    with lockfile.one_at_a_time(lock.folder):
        if lockfile.create(lock.path, data):
            return Held(ours)
        match status(lock):
            case Present(LockStatus(info, HolderState.DEAD)):
                lockfile.remove(lock.path)
                lockfile.create(lock.path, data)
                return Held(ours, f"took over the lock of {describe_holder(info, lock.clock)}, which is gone")
            case Present(LockStatus(info)):
                return info
            case _:
                return LockInfo(UNREADABLE)


def _release(lock: Lock, ours: LockInfo) -> None:
    with lockfile.one_at_a_time(lock.folder):
        match lockfile.read(lock.path):
            case Present(data) if _understood(data).id == ours.id:
                lockfile.remove(lock.path)
            case _:
                return


def _info(lock: Lock, operation: str) -> LockInfo:
    place = lockfile.current_namespace()
    pid = os.getpid()
    started = lock.processes.started(pid)
    return LockInfo(
        id=os.urandom(4).hex(),
        operation=operation,
        who=f"{_user()}@{place.host}",
        pid=pid,
        pid_started=started.value if isinstance(started, Present) else 0,
        boot_id=place.boot,
        pid_namespace=place.namespace,
        created=to_second(lock.clock.now()),
        version=__version__,
        machine=machine_mark(),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have it
        return str(os.getuid())


def _understood(data: bytes) -> LockInfo:
    try:
        content = read_json(data)
        content.setdefault("machine", "")  # a version that did not know it
        info = LockInfo(**{field.name: content[field.name] for field in fields(LockInfo)})
    except (ValueError, LookupError, TypeError, AttributeError):
        return LockInfo(UNREADABLE)
    kinds = {field.name: type(field.default) for field in fields(LockInfo) if field.name != "id"}
    right = all(type(getattr(info, name)) is kind for name, kind in kinds.items()) and isinstance(info.id, str)
    return info if right else LockInfo(UNREADABLE)


def _holder(info: LockInfo, processes: Processes) -> HolderState:
    place = lockfile.current_namespace()
    if info.id == UNREADABLE or not _is_here(info, place.host):
        return HolderState.UNKNOWN
    if info.boot_id != place.boot:
        return HolderState.DEAD if info.boot_id and place.boot else HolderState.UNKNOWN
    if info.pid_namespace != place.namespace:
        return HolderState.UNKNOWN
    match processes.started(info.pid):
        case Present(started):
            return HolderState.ALIVE if started == info.pid_started else HolderState.DEAD
        case Absent():
            return HolderState.DEAD
        case Unknown():
            return HolderState.UNKNOWN


def _is_here(info: LockInfo, host: str) -> bool:
    """Whether the holder is on this machine: names of machines are given twice, and marks are cloned."""
    return info.host == host and info.machine in {"", machine_mark()}


def _lock_held(info: LockInfo, clock: Clock) -> LockHeld:
    return LockHeld(
        f"the project is locked by {describe_holder(info, clock)}",
        fix="wait for it with --lock-timeout 30s, look at it with `reconciler lock status`, "
        f"or, when it surely does nothing any more, `reconciler unlock {info.id}`",
    )


def describe_holder(info: LockInfo, clock: Clock) -> str:
    """Who holds the lock, in one clause for the user."""
    if info.id == UNREADABLE:
        return "somebody unknown: the lock file cannot be understood"
    return f"pid {info.pid} ({info.who}, {info.operation}, since {info.created}{_age(info.created, clock)})"


def _age(created: str, clock: Clock) -> str:
    began = read(created)
    if began is None:
        return ""
    seconds = int((clock.now() - began).total_seconds())
    if seconds < 0:
        return ", by a clock that is ahead of this one"
    minutes, hours = seconds // 60, seconds // 3600
    return f", {hours} h ago" if hours else f", {minutes} min ago" if minutes else f", {seconds} s ago"
