"""demo: a small lab of played agents, without any account."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

from reconciler.app.project.labs import Lab, lab_program
from reconciler.cli.parameters import Option
from reconciler.model.errors import ReconcilerError


def demo(
    board: Annotated[bool, Option("--board", help="Open the board on a lab of six agents instead")] = False,
) -> int:
    """Start a small lab of played agents, lose all of it, and get it back.

    Needs no account and no agent CLI. Everything happens in a temporary folder and on a tmux server of its own,
    and is removed at the end.

    \b
    Examples:
      reconciler demo
      reconciler demo --board
    """
    program = lab_program(Lab.BOARD if board else Lab.DEMO)
    for needed in ("bash", "git", "tmux"):
        if shutil.which(needed) is None:
            raise ReconcilerError(f"the demo needs {needed}, which is not in PATH", fix=f"install {needed}")
    # The script types `reconciler`: it must find this installation, also when PATH leads to another one, or to none.
    own = os.path.dirname(sys.executable)
    path = f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    sys.stdout.flush()
    os.execvpe("bash", ["bash", program], {**os.environ, "PATH": path})  # noqa: S606, S607 - see which() above
