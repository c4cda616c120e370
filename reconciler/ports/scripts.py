"""Run a script of the user's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError

_LONGEST_SHEBANG = 1024


def run(script: str, folder: str, env: Mapping[str, str]) -> tuple[int, str]:
    """The exit code of a script, and all that it printed; it need not be executable, and is given no input.

    The interpreter is the one that its first line names after `#!`, else sh. A script that a signal
    ends has the exit code that a shell gives it: 128 and the signal.

    Raises:
        ReconcilerError: It cannot be run.
    """
    try:
        command = [*_interpreter(script), script]
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        summary = f"the script {script} cannot be run: {error.strerror}"
        raise ReconcilerError(summary, fix="see that it, its interpreter and the job's folder are there") from error
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return code, done.stdout.decode(errors="replace")


def _interpreter(script: str) -> list[str]:
    """As Linux reads it: a program, and all that follows as one argument (execve(2), interpreter scripts)."""
    with open(script, "rb") as file:
        first = file.readline(_LONGEST_SHEBANG)
    words = os.fsdecode(first[2:]).split(maxsplit=1) if first.startswith(b"#!") else []
    return [word.strip() for word in words] or ["sh"]
