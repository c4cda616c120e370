"""Run a script of the user's."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from reconciler.model.errors import ReconcilerError

from . import own_files

LONGEST = 3600.0
"""How many seconds a script has: whatever waits for its verdict must not wait for ever."""

_TOOK_TOO_LONG = 124
_LONGEST_SHEBANG = 1024


def run(script: str, folder: str, env: Mapping[str, str], *, seconds: float = LONGEST) -> tuple[int, str]:
    """The exit code of a script, and all that it printed; it need not be executable, and is given no input.

    The interpreter is the one that its first line names after `#!`, else sh. A script that a signal
    ends has the exit code that a shell gives it: 128 and the signal. One that takes too long is killed with all that
    it started, and has that of timeout(1): 124.

    Raises:
        ReconcilerError: It cannot be run.
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
        raise ReconcilerError(summary, fix="see that it, its interpreter and the job's folder are there") from error
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            said = (error.output or b"").decode(errors="replace")
            return _TOOK_TOO_LONG, f"{said}\nended by reconciler: it took longer than {seconds:g} s\n"
        finally:
            _end(process)
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return code, output.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """See that a script that still runs has ended: in a session of its own it does not hear of Ctrl-C."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _interpreter(script: str) -> list[str]:
    """As Linux reads it: a program, and all that follows as one argument (execve(2), interpreter scripts)."""
    with own_files.regular(script) as file:
        first = file.readline(_LONGEST_SHEBANG)
    words = os.fsdecode(first[2:]).split(maxsplit=1) if first.startswith(b"#!") else []
    return [word.strip() for word in words] or ["sh"]
