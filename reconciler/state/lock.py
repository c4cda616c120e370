"""The project's lock: one process at a time changes the registry and the agents.

The lock is a file that names its holder. Another process takes it over only if the holder is certainly dead. A holder
on another machine, or one that cannot be checked, keeps the lock.
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
"""The operation of the monitor. It holds the lock only briefly, so every command waits for it."""
_MONITOR_SECONDS = 10.0


class Lock(Struct, frozen=True):
    """The folder of the lock, and the ports to check its holder."""

    folder: str
    processes: Processes
    clock: Clock

    @property
    def path(self) -> str:
        """The lock file."""
        return os.path.join(self.folder, "lock")

    @property
    def is_held(self) -> bool:
        """Whether a process holds it, as far as that can be read."""
        return isinstance(status(self), Present)


class LockInfo(Struct, frozen=True):
    """The content of the lock file: who holds the lock, and for which operation."""

    id: str
    """Random; `unreadable`, with nothing else, for a damaged lock file."""
    operation: str = ""
    who: str = ""
    """USER@HOST."""
    pid: int = 0
    pid_started: int = 0
    """Start of the process in clock ticks since the boot: tells it from a later one with its pid."""
    boot_id: str = ""
    pid_namespace: str = ""
    created: str = ""
    """UTC, ISO 8601 with a Z."""
    version: str = ""
    machine: str = ""
    """A mark of the machine; empty if it has none, or if an older version wrote the lock."""

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
    """The lock, and whether its holder is running."""

    info: LockInfo
    holder: HolderState


class HeldLock(Struct, frozen=True):
    """We hold the lock. `note` tells the user whose lock was taken over; empty if none was."""

    info: LockInfo
    note: str = ""


@contextmanager
def hold(lock: Lock, operation: str, timeout: float = 0) -> Iterator[HeldLock]:
    """Hold the lock while the block runs. Waits up to `timeout` seconds, and longer if the monitor holds it.

    Raises:
        LockHeld: Another process still holds it; the message says which one, since when, and what to do.
        ReconcilerError: The folder cannot be written.
    """
    held = _wait(lock, _info(lock, operation), timeout)
    try:
        yield held
    except BaseException:
        with suppress(ReconcilerError):  # the first error is the one that the user needs to see
            _release(lock, held.info)
        raise
    _release(lock, held.info)


def status(lock: Lock) -> Observed[LockStatus]:
    """The lock and its holder; Absent when it is free. Writes nothing."""
    match lockfile.read(lock.path):
        case Present(data):
            info = _understood(data)
            return Present(LockStatus(info, _holder(info, lock.processes)))
        case Absent() | Unknown() as answer:
            return answer


def unlock(lock: Lock, identifier: str) -> None:
    """Remove the lock with this id, unless its holder is running.

    Raises:
        UsageError: No lock has this id; the message says which id there is.
        Refused: The process that holds it still runs.
        ReconcilerError: The lock cannot be read or removed.
    """
    if isinstance(status(lock), Absent):
        raise UsageError(f"no lock has the ID {identifier}: the project is not locked")
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
        fix = f"to remove that one: reconciler unlock {info.id}"
        raise UsageError(
            f"no lock has the ID {identifier}; current: {info.id}", detail=describe_holder(info, clock), fix=fix
        )
    if found.holder is HolderState.ALIVE:
        raise Refused(f"pid {info.pid} holds the lock and still runs", fix=f"end it first: kill {info.pid}")


def _wait(lock: Lock, ours: LockInfo, timeout: float) -> HeldLock:
    began = lock.clock.monotonic()
    pause = _FIRST_PAUSE
    while True:
        claimed = _claim(lock, ours)
        if isinstance(claimed, HeldLock):
            return claimed
        patience = max(timeout, _MONITOR_SECONDS) if claimed.operation == MONITOR else timeout
        left = began + patience - lock.clock.monotonic()
        if left <= 0:
            raise _lock_held(claimed, lock.clock)
        lock.clock.wait(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _claim(lock: Lock, ours: LockInfo) -> HeldLock | LockInfo:
    """Take the lock, or return who holds it."""
    data = json.dumps(to_builtins(ours)).encode()
    with lockfile.one_at_a_time(lock.folder):
        if lockfile.create(lock.path, data):
            return HeldLock(ours)
        match status(lock):
            case Present(LockStatus(info, HolderState.DEAD)):
                lockfile.remove(lock.path)
                lockfile.create(lock.path, data)
                return HeldLock(ours, f"took over the lock of {describe_holder(info, lock.clock)}, which has ended")
            case Present(LockStatus(info)):
                return info
            case _:
                return LockInfo(UNREADABLE)


def _release(lock: Lock, ours: LockInfo) -> None:
    if not os.path.isdir(lock.folder):  # its disk was unmounted, or it was removed: making it anew would only litter
        return
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
    except (KeyError, OSError):  # a user id without a name, as in containers
        return str(os.getuid())


def _understood(data: bytes) -> LockInfo:
    try:
        content = read_json(data)
        content.setdefault("machine", "")  # older versions do not write it
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
    """Whether the holder is on this machine. Both must match: two machines may share a name, or a cloned mark."""
    return info.host == host and info.machine in {"", machine_mark()}


def _lock_held(info: LockInfo, clock: Clock) -> LockHeld:
    return LockHeld(
        f"the project is locked by {describe_holder(info, clock)}",
        fix="wait with --lock-timeout 30s, check it with `reconciler lock status`, "
        f"or, if it has certainly stopped working, `reconciler unlock {info.id}`",
    )


def describe_holder(info: LockInfo, clock: Clock) -> str:
    """Describe the holder of the lock to the user, in one phrase."""
    if info.id == UNREADABLE:
        return "an unknown process: the lock file is damaged"
    return f"pid {info.pid} ({info.who}, {info.operation}, since {info.created}{_age(info.created, clock)})"


def _age(created: str, clock: Clock) -> str:
    began = read(created)
    if began is None:
        return ""
    seconds = int((clock.now() - began).total_seconds())
    if seconds < 0:
        return ", in the future by this clock"
    minutes, hours = seconds // 60, seconds // 3600
    return f", {hours} h ago" if hours else f", {minutes} min ago" if minutes else f", {seconds} s ago"
