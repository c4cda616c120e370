"""Print the board of all projects as JSON."""

from __future__ import annotations

import sys
from contextlib import suppress

from reconciler.app.board.everyone import Everyone
from reconciler.model.exit_code import ExitCode
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.all_projects import status_is_sure
from reconciler.render.output import is_cut_off, json_text, tell_json
from reconciler.render.terminal import redrawn

_INTERVAL = 2.0  # seconds


def print_board_of_all(name: str = "", *, watch: bool = False) -> int:
    """Print the document of all noted projects, once or after each change until Ctrl-C; return the exit code."""
    everyone = Everyone()
    if not watch:
        document = everyone.look(name)
        tell_json(document)
        return ExitCode.OK if status_is_sure(document) else ExitCode.ERROR
    if sys.stdout.isatty():
        end_on_hangup(sys.stdout.fileno())
    clock = RealClock()
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, {}) as draw:
        told = None
        while not is_cut_off(sys.stdout):
            document = everyone.look(name)
            if draw.always or document != told:
                draw.lines([json_text(document)])
            told = document
            clock.wait(_INTERVAL)
    return ExitCode.OK
