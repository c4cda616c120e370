"""A process of our own that outlives us and our terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from reconciler.model.errors import ReconcilerError

from . import own_files


def start(command: Sequence[str], log: str, env: Mapping[str, str]) -> int:
    """The pid of a process in a session of its own (setsid(2)), so that no hang-up reaches it.

    It reads nothing, and what it prints is added to `log`, which is its owner's alone.

    Raises:
        ReconcilerError: It cannot be started.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW
    try:
        with own_files.appending(log):  # a regular file, made where it is missing, and of the right owner
            pass
        return os.posix_spawn(
            command[0],
            list(command),
            dict(env),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, flags, 0),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise ReconcilerError(f"{command[0]} cannot be started: {error.strerror}") from error
