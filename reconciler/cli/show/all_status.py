"""Show the agents of all projects."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.app.agents.all_status import status_of_all
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.all_projects import all_groups_text, all_status_text, status_is_sure, status_warnings
from reconciler.render.output import is_cut_off
from reconciler.render.terminal import columns, redrawn, show, show_screen
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.render.documents.board import BoardDoc

_INTERVAL = 2.0  # seconds


def show_status_of_all(name: str, *, watch: bool) -> int:
    """Show the agents of all noted projects, once or until Ctrl-C; return the exit code."""
    if watch:
        return _watch(name)
    document = status_of_all(name)
    show_screen(_shown(document, RealClock().now(), on_terminal=sys.stdout.isatty()), sys.stdout, os.environ)
    for each in status_warnings(document):
        show(diagnostic_text(each), sys.stderr, os.environ)
    return ExitCode.OK if status_is_sure(document) else ExitCode.ERROR


def _watch(name: str) -> int:
    if sys.stdout.isatty():
        end_on_hangup(sys.stdout.fileno())
    clock = RealClock()
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, os.environ, coloured=True) as draw:
        told = None
        while not is_cut_off(sys.stdout):
            document = status_of_all(name)
            if draw.always or document != told:
                troubles = (one_line(line) for each in status_warnings(document) for line in diagnostic_text(each))
                draw.lines([*_shown(document, clock.now(), on_terminal=draw.always), *troubles])
            told = document
            clock.wait(_INTERVAL)
    return ExitCode.OK


def _shown(document: BoardDoc, now: datetime, *, on_terminal: bool) -> Iterable[str]:
    """The lines of the document: groups on a terminal, a table elsewhere; only the groups have colours of their own."""
    if on_terminal:
        return all_groups_text(document, now, columns(sys.stdout, os.environ))
    return map(one_line, all_status_text(document, now))
