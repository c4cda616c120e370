"""board: see and steer all agents on one screen."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from reconciler.app.board.board import board as look
from reconciler.app.board.members import AllNoted
from reconciler.app.board.service import BoardService
from reconciler.app.project.project import Project, find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.show.all_board import print_board_of_all
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.extras import missing_extra
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.output import tell_json


def board(
    as_json: opt.Json = False, everywhere: opt.All = False, chdir: opt.Root = "", registry: opt.RegistryPath = ""
) -> int:
    """Show all agents on one screen: see who needs you, answer, and steer.

    Outside of a project, or with --all, it shows the agents of all your projects. Press ? for the keys. With --json,
    prints the document that the board shows, once.

    \b
    Examples:
      reconciler board
      reconciler board --all
      reconciler board --json | jq '.agents[] | select(.group == "needs_you")'
    """
    of_all = opt.means_all(chdir, registry, everywhere=everywhere)
    if as_json and of_all:
        return print_board_of_all()
    if as_json:
        tell_json(look([find_project(chdir, registry)]))
        return ExitCode.OK
    if find_spec("textual") is None:
        raise missing_extra("the board", "board")
    if not all(map(os.isatty, (0, 1, 2))):
        raise UsageError("the board needs a terminal", fix="in a pipe, use `reconciler status` or `board --json`")
    _show(None if of_all else find_project(chdir, registry))
    return ExitCode.OK


def _show(at: Project | None) -> None:
    """Show the board of one project, or of all."""
    from reconciler.board.app import run_board  # needs an extra

    if at:
        warn_about_registry(at)
    end_on_hangup()
    service = BoardService([at] if at else AllNoted())
    run_board(service, RealClock().now, coloured=not os.environ.get("NO_COLOR"))
    sys.stdout.flush()
