"""status: show the agents."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from reconciler.app.agents.status import status as look
from reconciler.app.project.project import find_project
from reconciler.app.project.warnings import unconfirmed
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, Option
from reconciler.model.exit_code import ExitCode
from reconciler.render.document import diagnostic_document
from reconciler.render.output import is_cut_off, json_text, tell_json
from reconciler.render.status import status_text
from reconciler.render.terminal import redrawn
from reconciler.render.terminal import show as print_lines
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.render.documents.status import StatusDoc


_INTERVAL = 2.0  # seconds


def status(
    name: Annotated[
        str,
        Argument(
            metavar="[NAME]",
            autocompletion=completion.agents,
            help="Show only this agent, in detail: any unique part of its name",
        ),
    ] = "",
    as_json: opt.Json = False,
    watch: Annotated[
        bool, Option("--watch", help="Refresh every 2 seconds until Ctrl-C; with --json, one line per change")
    ] = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show all agents, one line each, or one agent in detail.

    \b
    Examples:
      reconciler status
      reconciler status landing-page
      reconciler status --watch
      reconciler status --json | jq '.agents[] | select(.live != "alive")'
    """
    at = find_project(chdir, registry)
    if watch:
        return _watch(at, name, as_json=as_json)
    document = look(at, name)
    if as_json:
        tell_json(document)
    else:
        print_lines(status_text(document, at.now()), sys.stdout, at.env)
        for diagnostic in document["diagnostics"]:
            print_lines(diagnostic_text(diagnostic), sys.stderr, at.env)
        for waiting in unconfirmed(at):
            print_lines(diagnostic_text(diagnostic_document(waiting)), sys.stderr, at.env)
    errors = [each for each in document["diagnostics"] if each["severity"] != "warning"]
    return ExitCode.ERROR if errors else ExitCode.OK


def _watch(at: Project, name: str, *, as_json: bool) -> int:
    """Show the status after each change until Ctrl-C, which ends the watch with exit code 0."""
    told: StatusDoc | None = None
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, {} if as_json else at.env) as draw:
        while not is_cut_off(sys.stdout):
            document = look(at, name)
            if draw.always or document != told:
                troubles = (line for each in document["diagnostics"] for line in diagnostic_text(each))
                lines = [json_text(document)] if as_json else [*status_text(document, at.now()), *troubles]
                draw.lines(lines)
            told = document
            at.clock.wait(_INTERVAL)
    return ExitCode.OK
