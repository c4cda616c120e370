"""Run a command that prints a secret. What it prints is returned, and goes nowhere else."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

from reconciler.model.observed import Observed, Present, Unknown

_LIMIT = 1 << 16  # bytes
_LOOK_AGAIN = 0.2  # seconds between two questions whether to go on


def secret_of(
    words: Sequence[str], env: Mapping[str, str], folder: str, seconds: float, interrupted: Callable[[], bool]
) -> Observed[str]:
    """The one line that the command prints, without its line end; `Unknown` says why there is none.

    It runs in `folder`, without input and without a shell. What it prints on standard error is thrown away: it might
    be the secret, too. After `seconds`, or when the user interrupts, it and all that it started are killed.
    """
    silent = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            list(words),
            env=dict(env),
            cwd=folder,
            stdin=silent,
            stdout=subprocess.PIPE,
            stderr=silent,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in a word
        return Unknown(f"cannot be run: {getattr(error, 'strerror', None) or error}")
    with process:
        try:
            printed = _printed(process, seconds, interrupted)
        finally:
            _kill(process.pid)
    return _line(printed) if isinstance(printed, bytes) else printed


def _printed(process: subprocess.Popen[bytes], seconds: float, interrupted: Callable[[], bool]) -> bytes | Unknown:
    """Everything that the process printed until its end, if it ended well."""
    deadline, found = monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if interrupted():
                return Unknown("was interrupted")
            left = deadline - monotonic()
            if left <= 0:
                return Unknown(f"did not end within {seconds:g} s")
            if not selector.select(min(left, _LOOK_AGAIN)):
                continue
            piece = os.read(process.stdout.fileno(), _LIMIT)
            found += piece
            if len(found) > _LIMIT:
                return Unknown(f"printed more than {_LIMIT} bytes")
            if not piece:
                break
    try:
        code = process.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return Unknown(f"did not end within {seconds:g} s")
    return found if code == 0 else Unknown(f"was ended by signal {-code}" if code < 0 else f"exited with status {code}")


def _line(printed: bytes) -> Observed[str]:
    line = printed.rstrip(b"\r\n")
    if b"\0" in line:
        return Unknown("printed a NUL character, which no variable can contain")
    if b"\n" in line or b"\r" in line:
        return Unknown("printed more than one line")
    return Present(os.fsdecode(line)) if line else Unknown("printed nothing")


def _kill(leader: int) -> None:
    """End what is left of the process group, so that nothing runs on with the secret."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
