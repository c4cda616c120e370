"""board: see and steer all agents on one screen."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from reconciler.app.board.board import board as look
from reconciler.app.board.service import BoardService
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.output import tell_json

_INSTALL = "pip install 'agent-reconciler[board]'"


def board(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Show all agents on one screen: see who needs you, answer, and steer.

    Press ? for the keys. With --json, prints the document that the board shows, once.

    \b
    Examples:
      reconciler board
      reconciler board --json | jq '.agents[] | select(.group == "needs_you")'
    """
    at = find_project(chdir, registry)
    if as_json:
        tell_json(look([at]))
        return ExitCode.OK
    if find_spec("textual") is None:
        raise ReconcilerError(f"the board is not installed: {_INSTALL}")
    if not all(map(os.isatty, (0, 1, 2))):
        raise UsageError("the board needs a terminal", fix="in a pipe, use `reconciler status` or `board --json`")
    from reconciler.board.app import run_board

    warn_about_registry(at)
    end_on_hangup()
    run_board(BoardService([at]), at.now, coloured=not at.env.get("NO_COLOR"))
    sys.stdout.flush()
    return ExitCode.OK
