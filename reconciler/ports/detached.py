"""Start a background process that keeps running after this process and its terminal end."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from reconciler.model.errors import ReconcilerError

from . import own_files


def start(command: Sequence[str], log: str, env: Mapping[str, str]) -> int:
    """Start the command and return its pid. It has its own session (setsid(2)), so a hang-up does not reach it.

    Its input is empty. Its output is appended to `log`, which only this user can read.

    Raises:
        ReconcilerError: It cannot be started.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW
    try:
        with own_files.appending(log):  # creates it if missing, checks that it is a regular file, and sets the owner
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
