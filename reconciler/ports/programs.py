"""Run a short program without a shell."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from reconciler.model.errors import ReconcilerError


class ProgramResult(Struct, frozen=True):
    """The exit code and the output of a program. A signal gives 128 plus its number, as in a shell."""

    code: int
    output: str
    complaints: str


def run(argv: Sequence[str], env: Mapping[str, str], *, given: bytes = b"", seconds: float) -> ProgramResult:
    """Run a program with the input `given`. After `seconds`, it and everything that it started are killed.

    Raises:
        ReconcilerError: It cannot be started, or does not end in time.
    """
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            list(argv), env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in a word
        raise ReconcilerError(f"{argv[0]} cannot be run: {error}") from error
    with process:
        try:
            output, complaints = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise ReconcilerError(f"{argv[0]} did not end within {seconds:g} s") from error
        finally:
            if process.poll() is None:
                _kill(process.pid)
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return ProgramResult(code, output.decode(errors="replace"), complaints.decode(errors="replace"))


def _kill(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
