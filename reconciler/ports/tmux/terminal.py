"""Give the terminal of this process to tmux until it gives it back."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def attach_terminal(command: Sequence[str]) -> str:
    """Run a tmux client until it ends. Returns what it complained of; empty if it ended as it should."""
    try:
        done = subprocess.run(command, check=False, stderr=subprocess.PIPE)
    except OSError as error:
        return error.strerror or str(error)
    return done.stderr.decode(errors="replace").strip() if done.returncode else ""
