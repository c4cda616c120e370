"""Show the agents of all projects."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from reconciler.app.agents.all_status import status_of_all
from reconciler.model.exit_code import ExitCode
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.all_projects import all_status_text, status_is_sure, status_warnings
from reconciler.render.output import is_cut_off
from reconciler.render.terminal import redrawn, show
from reconciler.render.text import diagnostic_text

_INTERVAL = 2.0  # seconds


def show_status_of_all(name: str, *, watch: bool) -> int:
    """Show the agents of all noted projects, once or until Ctrl-C; return the exit code."""
    if watch:
        return _watch(name)
    document = status_of_all(name)
    show(all_status_text(document, RealClock().now()), sys.stdout, os.environ)
    for each in status_warnings(document):
        show(diagnostic_text(each), sys.stderr, os.environ)
    return ExitCode.OK if status_is_sure(document) else ExitCode.ERROR


def _watch(name: str) -> int:
    if sys.stdout.isatty():
        end_on_hangup(sys.stdout.fileno())
    clock = RealClock()
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, os.environ) as draw:
        told = None
        while not is_cut_off(sys.stdout):
            document = status_of_all(name)
            if draw.always or document != told:
                troubles = (line for each in status_warnings(document) for line in diagnostic_text(each))
                draw.lines([*all_status_text(document, clock.now()), *troubles])
            told = document
            clock.wait(_INTERVAL)
    return ExitCode.OK
