"""status: show the agents."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from reconciler.app.agents.status import status as look
from reconciler.app.project.manifests import from_here
from reconciler.app.project.project import find_project
from reconciler.app.project.warnings import unconfirmed
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, Option
from reconciler.model.exit_code import ExitCode, exit_code_of
from reconciler.model.harmless import one_line
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.document import diagnostic_document
from reconciler.render.output import is_cut_off, json_text, tell_json
from reconciler.render.status import is_detail, status_text
from reconciler.render.status_groups import grouped_text
from reconciler.render.terminal import columns, redrawn, show_screen
from reconciler.render.terminal import show as print_lines
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    everywhere: opt.All = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show all agents, one line each, or one agent in detail.

    On a terminal, the agents are in groups, first those that need you. Into a pipe or file, they are a table.

    \b
    Examples:
      reconciler status
      reconciler status landing-page
      reconciler status --watch
      reconciler status --all                # the agents of all your projects; with --json, the board of all
      reconciler status --json | jq '.agents[] | select(.live != "alive")'
    """
    if everywhere:
        opt.refuse_one_project(chdir, registry)
        return _of_all(name, as_json=as_json, watch=watch)
    at = find_project(chdir, registry)
    if watch:
        return _watch(at, name, as_json=as_json)
    document = look(at, name)
    if as_json:
        tell_json(document)
    else:
        show_screen(_shown(document, at, on_terminal=sys.stdout.isatty()), sys.stdout, at.env)
        for diagnostic in from_here(at, document)["diagnostics"]:
            print_lines(diagnostic_text(diagnostic), sys.stderr, at.env)
        for waiting in unconfirmed(at):
            print_lines(diagnostic_text(diagnostic_document(waiting)), sys.stderr, at.env)
    return exit_code_of(each["severity"] for each in document["diagnostics"])


def _of_all(name: str, *, as_json: bool, watch: bool) -> int:
    """The agents of all projects. With --json, that is the document of the board."""
    if as_json:
        from reconciler.cli.show.all_board import print_board_of_all  # as below

        return print_board_of_all(name, watch=watch)
    from reconciler.cli.show.all_status import show_status_of_all  # a plain status starts faster without

    return show_status_of_all(name, watch=watch)


def _watch(at: Project, name: str, *, as_json: bool) -> int:
    """Show the status after each change until Ctrl-C, which ends the watch with exit code 0."""
    told: StatusDoc | None = None
    if sys.stdout.isatty():
        end_on_hangup(sys.stdout.fileno())
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, {} if as_json else at.env, coloured=True) as draw:
        while not is_cut_off(sys.stdout):
            document = look(at, name)
            if draw.always or document != told:
                troubles = (
                    one_line(line) for each in from_here(at, document)["diagnostics"] for line in diagnostic_text(each)
                )
                shown = _shown(document, at, on_terminal=draw.always)
                lines = [json_text(document)] if as_json else [*shown, *troubles]
                draw.lines(lines)
            told = document
            at.clock.wait(_INTERVAL)
    return ExitCode.OK


def _shown(document: StatusDoc, at: Project, *, on_terminal: bool) -> Iterable[str]:
    """The lines of the document: groups on a terminal, a table elsewhere; only the groups have colours of their own."""
    if not on_terminal or is_detail(document) or not document["agents"]:
        return map(one_line, status_text(document, at.now()))
    return grouped_text(document["agents"], at.now(), columns(sys.stdout, at.env))
