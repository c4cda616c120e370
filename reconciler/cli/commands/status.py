"""status, show and unmanaged: look, and tell."""

from __future__ import annotations

import sys
from contextlib import suppress
from textwrap import dedent
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.agents.look import unmanaged_sessions
from reconciler.app.project.project import find_project
from reconciler.app.project.warnings import unconfirmed
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.model.address import parse_address
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.document import diagnostic_document
from reconciler.render.form import Form
from reconciler.render.output import is_cut_off, json_text, tell, tell_json, tell_text
from reconciler.render.terminal import redrawn
from reconciler.render.terminal import show as print_lines
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.render.shape import StatusDoc

_INTERVAL = 2.0  # seconds


def status(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            autocompletion=completion.agents,
            help="Show only this agent, in detail: a session name or an address",
        ),
    ] = "",
    as_json: opt.Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every 2 seconds until Ctrl-C; with --json, one line per change")
    ] = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show all agents, one line each, or one agent in detail.

    \b
    Examples:
      reconciler status
      reconciler status landing-page-creator-claude
      reconciler status --watch
      reconciler status --json | jq '.agents[] | select(.live != "alive")'
    """
    from reconciler.app.agents.status import status as look
    from reconciler.render.status import status_text

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
    """Tell what is new every time something is, until Ctrl-C, which is how a watch ends well."""
    from reconciler.app.agents.status import status as look
    from reconciler.render.status import status_text

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


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[PLANFILE | ADDR]",
            autocompletion=completion.addresses,
            help="A saved plan or one address",
            show_default=False,
        ),
    ] = "",
    as_json: opt.Json = False,
    full: opt.Full = False,
    form: opt.Format = Form.TEXT,
    junit: opt.Junit = "",
    sarif: opt.Sarif = "",
    markdown: opt.Markdown = "",
    html: opt.Html = "",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show a saved plan, one address, or everything recorded.

    \b
    Examples:
      reconciler show today.plan
      reconciler show today.plan --html today.html
      reconciler show agent.landing-page.claude
    """
    from reconciler.app.agents.status import recorded
    from reconciler.app.plan import plans
    from reconciler.cli import outputs
    from reconciler.cli.copies import warn_of_copy
    from reconciler.state.emit import row_text

    at = find_project(chdir, registry)
    address = parse_address(what)
    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    if what and address is None:
        saved = plans.saved_plan([what])
        if saved is None:
            raise UsageError(f"{what} is neither a saved plan nor an address", fix="`reconciler status` lists agents")
        outputs.publish_plan(at, saved, output, full=full)
        return ExitCode.OK
    if output != outputs.Output(as_json):
        raise UsageError("reports are made of saved plans only", fix="`reconciler plan --out FILE` saves one")
    warn_of_copy(at)
    found = recorded(at, what)
    if as_json:
        tell_json(found)
    else:
        tell_text(dedent("".join(row_text(key, value, 2) for key, value in found.items())))
    return ExitCode.OK


def unmanaged(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """List running sessions that look like agents but are in no manifest.

    Their names have the form `<workspace>-<role>-<type>`, with a known role and a known type.

    \b
    Examples:
      reconciler unmanaged
      reconciler import --generate          # print YAML that declares them
    """
    from reconciler.cli.copies import warn_of_copy
    from reconciler.cli.own_output import is_own_output

    at = find_project(chdir, registry)
    warn_of_copy(at)
    found = unmanaged_sessions(at, is_own_output)
    if as_json:
        tell_json({"unmanaged": found})
    elif not found:
        tell("Every session that is named like ours is in a manifest.")
    else:
        width = max(len(str(each["session"])) for each in found)
        for each in found:
            tell(f"{each['session']:<{width}}  {each['command']} (pid {each['pid']}) in {each['cwd']}")
    return ExitCode.OK
