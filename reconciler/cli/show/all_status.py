"""Show the agents of all projects."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.app.agents.all_status import status_of_all
from reconciler.model.exit_code import ExitCode
from reconciler.ports.clock import RealClock
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.all_projects import all_status_text, status_is_sure, status_warnings
from reconciler.render.output import is_cut_off, json_text, tell_json
from reconciler.render.terminal import redrawn, show
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from reconciler.render.documents.status_all import AllStatusDoc

_INTERVAL = 2.0  # seconds


def show_status_of_all(name: str, *, as_json: bool, watch: bool) -> int:
    """Show the agents of all noted projects, once or until Ctrl-C; return the exit code."""
    if watch:
        return _watch(name, as_json=as_json)
    document = status_of_all(name)
    if as_json:
        tell_json(document)
    else:
        show(all_status_text(document, RealClock().now()), sys.stdout, os.environ)
        for each in status_warnings(document):
            show(diagnostic_text(each), sys.stderr, os.environ)
    return ExitCode.OK if status_is_sure(document) else ExitCode.ERROR


def _watch(name: str, *, as_json: bool) -> int:
    previous: AllStatusDoc | None = None
    if sys.stdout.isatty():
        end_on_hangup(sys.stdout.fileno())
    clock = RealClock()
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, {} if as_json else os.environ) as draw:
        while not is_cut_off(sys.stdout):
            document = status_of_all(name)
            if draw.always or document != previous:
                troubles = (line for each in status_warnings(document) for line in diagnostic_text(each))
                text = [*all_status_text(document, clock.now()), *troubles]
                draw.lines([json_text(document)] if as_json else text)
            previous = document
            clock.wait(_INTERVAL)
    return ExitCode.OK
