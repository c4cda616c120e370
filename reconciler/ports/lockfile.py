"""Locks: a file that only one process can create, and turns on a folder with flock(2)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from . import own_files
from .clock import RealClock
from .pid_namespace import PidNamespace, current_namespace

__all__ = ["PidNamespace", "create", "current_namespace", "if_free", "one_at_a_time", "read", "remove"]

_LARGEST = 1 << 16
_PATIENCE = 120.0  # seconds; a turn takes milliseconds, but many processes may wait
_LONGEST_PAUSE = 0.02


@contextmanager
def one_at_a_time(folder: str, seconds: float = _PATIENCE) -> Iterator[None]:
    """Let one process at a time work on the files in `folder`. The folder is created (0700) when missing.

    The kernel releases the lock of a process that dies. Raises ReconcilerError when the folder cannot be created or
    opened, or when another process holds the lock for `seconds`, for example because it is stopped.
    """
    with _opened(folder) as descriptor:
        _await_turn(folder, descriptor, seconds)
        yield


@contextmanager
def if_free(folder: str) -> Iterator[bool]:
    """Take the same lock without waiting: False when another process has it."""
    with _opened(folder) as descriptor:
        yield _takes_turn(folder, descriptor)


def _await_turn(folder: str, descriptor: int, seconds: float) -> None:
    clock, pause = RealClock(), 0.001
    deadline = clock.monotonic() + seconds
    while not _takes_turn(folder, descriptor):
        if clock.monotonic() >= deadline:
            raise ReconcilerError(
                f"another process has worked on {folder} for {seconds:g} s",
                fix=f"find it with `fuser -v {folder}`; if it is stopped: kill -CONT PID",
            )
        clock.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def _opened(folder: str) -> Iterator[int]:
    with ExitStack() as stack:
        try:
            descriptor = stack.enter_context(own_files.opened(folder, make=True))
        except OSError as error:
            raise _failure(f"{folder} cannot be locked", folder, error) from error
        yield descriptor


def _takes_turn(folder: str, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ReconcilerError(
            f"{folder} cannot be locked: its file system has no locks (flock): {error.strerror}",
            fix="keep the registry on another file system: --registry FILE",
        ) from error
    return True


def read(path: str) -> Observed[bytes]:
    """The content of the lock file."""
    try:
        with own_files.regular(path) as file:
            return Present(file.read(_LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        return Unknown(f"{path}: {error.strerror}")


def create(path: str, data: bytes) -> bool:
    """Create the file with all its content at once; False when it already exists.

    The caller must hold the lock of the folder: on a file system without hard links, only that lock prevents two
    processes from creating the file.

    Raises:
        ReconcilerError: It cannot be created.
    """
    try:
        return own_files.create(path, data)
    except OSError as error:
        raise _failure(f"{path} cannot be created", path, error) from error


def remove(path: str) -> None:
    """Delete the file. A missing file is fine.

    Raises:
        ReconcilerError: It cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _failure(f"{path} cannot be removed", path, error) from error


def _failure(summary: str, path: str, error: OSError) -> ReconcilerError:
    fix = f"make sure that {os.path.dirname(path)} is a folder that you can write to"
    if not error.errno:  # something else than a file is there
        fix = f"look at it, and remove it: {path}"
    return ReconcilerError(f"{summary}: {error.strerror}", fix=fix)
