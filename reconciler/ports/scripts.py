"""Run a script of the user."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from reconciler.model.errors import ReconcilerError

from . import own_files

LONGEST = 3600.0
"""The time limit of a script in seconds, so that a caller never waits for ever."""

_TOOK_TOO_LONG = 124
_LONGEST_SHEBANG = 1024


def run(script: str, folder: str, env: Mapping[str, str], *, seconds: float = LONGEST) -> tuple[int, str]:
    """Run a script without input, and return its exit code and its output. It need not be executable.

    The interpreter is from its first line (`#!`), else sh. A script that a signal ends has the exit code 128 plus the
    signal, as in a shell. A script that takes too long is killed with everything that it started, and has the exit code
    124, as with timeout(1).

    Raises:
        ReconcilerError: The script cannot be run.
    """
    try:
        process = subprocess.Popen(
            [*_interpreter(script), script],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        summary = f"the script {script} cannot be run: {error.strerror}"
        raise ReconcilerError(
            summary, fix="make sure that the script, its interpreter and the job's folder exist"
        ) from error
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            output_so_far = (error.output or b"").decode(errors="replace")
            return _TOOK_TOO_LONG, f"{output_so_far}\nended by reconciler: it took longer than {seconds:g} s\n"
        finally:
            _end(process)
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return code, output.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a script that still runs. It has its own session, so Ctrl-C does not reach it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _interpreter(script: str) -> list[str]:
    """The interpreter as Linux reads it: a program, and the rest of the line as one argument (execve(2))."""
    with own_files.regular(script) as file:
        first = file.readline(_LONGEST_SHEBANG)
    words = os.fsdecode(first[2:]).split(maxsplit=1) if first.startswith(b"#!") else []
    return [word.strip() for word in words] or ["sh"]
