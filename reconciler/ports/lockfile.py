"""A file that only one process can make, and what tells one life of this machine from another."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from .clock import RealClock

_LARGEST = 1 << 16
_PATIENCE = 120.0  # seconds: a turn takes milliseconds, and many may wait for one
_LONGEST_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Here:
    """Where a process id means something: on this host, in this boot, in this pid namespace.

    `boot` and `namespace` are empty where the system does not tell.
    """

    host: str
    boot: str
    namespace: str


def here() -> Here:
    """The place that this process runs in (proc_sys_kernel(5), pid_namespaces(7))."""
    return Here(os.uname().nodename, _boot_id(), _pid_namespace())


@contextmanager
def one_at_a_time(folder: str, seconds: float = _PATIENCE) -> Iterator[None]:
    """Let one process at a time work on the files in `folder`, which is made (0700) when missing.

    The kernel ends the turn of a process that dies. Raises ReconcilerError when the folder cannot
    be made or opened, or when the turn does not come within `seconds`: its process may be stopped.
    """
    with _opened(folder) as descriptor:
        _await_turn(folder, descriptor, seconds)
        yield


@contextmanager
def if_free(folder: str) -> Iterator[bool]:
    """The same turn, but waited for by nobody: False when another process has it now."""
    with _opened(folder) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            free = False
        else:
            free = True
        yield free


def _await_turn(folder: str, descriptor: int, seconds: float) -> None:
    clock, pause = RealClock(), 0.001
    deadline = clock.monotonic() + seconds
    while True:
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if clock.monotonic() >= deadline:
            raise ReconcilerError(
                f"another process has worked on {folder} for {seconds:g} s",
                fix=f"fuser -v {folder} shows which one; it may be stopped: kill -CONT PID",
            )
        clock.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def _opened(folder: str) -> Iterator[int]:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _failure(folder, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: str) -> Observed[bytes]:
    """What the lock file holds."""
    try:
        with open(path, "rb") as file:
            return Present(file.read(_LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        return Unknown(f"{path}: {error.strerror}")


def create(path: str, data: bytes) -> bool:
    """Make the file with all its content at once; False when there is one already.

    Raises:
        ReconcilerError: It cannot be made.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise _failure(path, error) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)
    return True


def remove(path: str) -> None:
    """See that the file is gone.

    Raises:
        ReconcilerError: It cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _failure(path, error) from error


def _boot_id() -> str:
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return ""


def _pid_namespace() -> str:
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _failure(path: str, error: OSError) -> ReconcilerError:
    return ReconcilerError(
        f"the project cannot be locked: {path}: {error.strerror}",
        fix=f"see that {os.path.dirname(path)} is a folder that you can write to",
    )
