"""peek: an agent's screen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from reconciler.app.agents.peek import peek as look
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Option
from reconciler.model.exit_code import ExitCode
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.output import is_cut_off, json_text, tell_json
from reconciler.render.peek import peek_note, peek_text
from reconciler.render.terminal import redrawn, show, show_screen

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.render.documents.peek import PeekDoc

_INTERVAL = 1.0  # seconds


def peek(
    name: opt.Name,
    lines: Annotated[
        int,
        Option(
            "-n, --lines", metavar="N", min=0, help="The last N lines, also those that scrolled away; 0 for the screen"
        ),
    ] = 0,
    follow: Annotated[
        bool, Option("-f, --follow", help="Refresh every second until Ctrl-C; with --json, one line per change")
    ] = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show what is on an agent's screen now.

    It keeps the colours on a terminal. It does not attach, and the agent does not notice. If the agent has
    ended, it shows its last lines.

    \b
    Examples:
      reconciler peek landing-page
      reconciler peek landing-page --lines 200
      reconciler peek landing-page --follow
    """
    at = find_project(chdir, registry)
    warn_about_registry(at)
    if follow:
        return _follow(at, name, lines, as_json=as_json)
    document = look(at, name, lines)
    if as_json:
        tell_json(document)
    else:
        show_screen((line["coloured"] for line in document["lines"]), sys.stdout, at.env)
        show(peek_note(document), sys.stderr, at.env)
    return ExitCode.OK


def _follow(at: Project, name: str, lines: int, *, as_json: bool) -> int:
    """Show the screen whenever it is another, until Ctrl-C, which is how this ends well."""
    told: PeekDoc | None = None
    if sys.stdout.isatty():
        end_on_hangup(sys.stdout.fileno())
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, {} if as_json else at.env, coloured=True) as draw:
        while not is_cut_off(sys.stdout):
            document = look(at, name, lines)
            if document != told:
                draw.lines([json_text(document)] if as_json else _fitting(peek_text(document), on_terminal=draw.always))
            told = document
            at.clock.wait(_INTERVAL)
    return ExitCode.OK


def _fitting(lines: Iterable[str], *, on_terminal: bool) -> list[str]:
    """On a terminal the last lines that fit, where a prompt and the newest words are."""
    rows = list(lines)
    return rows[-max(1, shutil.get_terminal_size().lines - 1) :] if on_terminal else rows
