"""status, show and unmanaged: look, and tell."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, cast

import typer

from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import json_text, tell, tell_json, tell_text
from reconciler.render.form import Form

if TYPE_CHECKING:
    from reconciler.app.agents.look import Seen
    from reconciler.app.project.project import Project
    from reconciler.model.address import Address
    from reconciler.model.record import Json as JsonValue
    from reconciler.render.shape import HistoryDoc, StatusDetail, StatusDoc


_INTERVAL = 2.0  # seconds


def status(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            autocompletion=completion.agents,
            help="Only this one, in detail: a session name or an address",
        ),
    ] = "",
    as_json: opt.Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 2 seconds, until Ctrl-C; JSON is a line a change")
    ] = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show every agent in one line, or one in detail.

    \b
    Examples:
      reconciler status
      reconciler status landing-page-creator-claude
      reconciler status --watch
      reconciler status --json | jq '.agents[] | select(.live != "alive")'
    """
    from reconciler.app.project.project import find_project
    from reconciler.app.project.warnings import unconfirmed
    from reconciler.render.document import diagnostic_document
    from reconciler.render.status import status_text
    from reconciler.render.terminal import show as print_lines
    from reconciler.render.text import diagnostic_text

    at = find_project(chdir, registry)
    if watch:
        return _watch(at, name, as_json=as_json)
    document = _status(at, name)
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


def _status(at: Project, name: str) -> StatusDoc:
    """All agents, or the one of that name with its detail."""
    from reconciler.app.agents.look import look
    from reconciler.app.agents.names import named
    from reconciler.app.project.warnings import copied
    from reconciler.kinds.agent.status import statuses
    from reconciler.model.observed import Unknown
    from reconciler.model.snapshot import tmux_trouble
    from reconciler.render.status import status_document

    seen = look(at)
    trouble = seen.snapshot.tmux
    hidden = [tmux_trouble(trouble)] if isinstance(trouble, Unknown) else []
    said = [*copied(at, seen.stored), *hidden, *seen.snapshot.untold]
    agents = list(statuses(seen.cases, seen.stored.record, seen.snapshot))
    if not name:
        return status_document(agents, said)
    (address,) = named(seen, [name], found=True)
    document = status_document([agent for agent in agents if agent.address == address], said)
    for row in document["agents"]:
        row["detail"] = _detail(at, seen, address)
    return document


def _detail(at: Project, seen: Seen, address: Address) -> StatusDetail:
    from reconciler.model.observed import ABSENT
    from reconciler.render.status import detail_document
    from reconciler.state.history import read

    record = seen.stored.record
    row = next((row for row in record.sessions.values() if row.address == address), None)
    identity = seen.cases[address].identity if address in seen.cases else record.identity(address, row)
    artifact = seen.snapshot.artifacts.get(address, ABSENT)
    history: list[HistoryDoc] = [
        {
            "at": entry.at,
            "what": entry.what,
            "reason": entry.reason,
            "conversation": entry.conversation,
            "note": entry.note,
        }
        for entry in read(at.history, str(address))
    ]
    return detail_document(address.workspace, identity, artifact, history)


def _watch(at: Project, name: str, *, as_json: bool) -> int:
    """Tell what is new every time something is, until Ctrl-C, which is how a watch ends well."""
    from reconciler.render.door import is_cut_off
    from reconciler.render.status import status_text
    from reconciler.render.terminal import redrawn
    from reconciler.render.text import diagnostic_text

    told: StatusDoc | None = None
    with suppress(KeyboardInterrupt), redrawn(sys.stdout, {} if as_json else at.env) as draw:
        while not is_cut_off(sys.stdout):
            document = _status(at, name)
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
            help="A saved plan, or one address",
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
    """Show a saved plan, one address, or all that is recorded.

    \b
    Examples:
      reconciler show today.plan
      reconciler show today.plan --html today.html
      reconciler show agent.landing-page.claude
    """
    from textwrap import dedent

    from reconciler.app.agents.look import look
    from reconciler.app.plan import outputs, plans
    from reconciler.app.project.project import find_project
    from reconciler.app.project.settlement import flag
    from reconciler.model.address import parse_address
    from reconciler.state.emit import row_text

    at = find_project(chdir, registry)
    address = parse_address(what)
    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    if what and address is None:
        saved = plans.saved_plan([what])
        if saved is None:
            raise UsageError(f"{what} is neither a saved plan nor an address", fix="`reconciler status` lists agents")
        plans.show_plan(at, saved, output, full=full)
        return ExitCode.OK
    if output != outputs.Output(as_json):
        raise UsageError("reports are made of saved plans only", fix="`reconciler plan --out FILE` saves one")
    flag(at)
    seen = look(at)
    found = _about(seen, what) if what else dict(seen.stored.data)
    if as_json:
        tell_json(found)
    else:
        tell_text(dedent("".join(row_text(key, value, 2) for key, value in found.items())))
    return ExitCode.OK


def _about(seen: Seen, address: str) -> dict[str, JsonValue]:
    """The row of the registry and the line of status for one address."""
    from reconciler.kinds.agent.status import statuses
    from reconciler.render.status import status_document

    agents = status_document(statuses(seen.cases, seen.stored.record, seen.snapshot), ())["agents"]
    live = next((agent for agent in agents if agent["address"] == address), None)
    table, name = ("workspaces", address.split(".")[1]) if live is None else ("sessions", live["session"])
    rows = seen.stored.data.get(table)
    row = rows.get(name) if isinstance(rows, dict) else None
    declared = any(str(each) == address for each in (*seen.desired.workspaces, *seen.desired.agents))
    if live is None and row is None and not declared:
        raise UsageError(f"there is no {address}", fix="`reconciler status --json` lists all addresses")
    return {"address": address, "declared": declared, "live": cast("JsonValue", live), "recorded": row}


def unmanaged(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """List live sessions that look like ours.

    They are in no manifest, and named `<workspace>-<role>-<type>`, with a role and a type that are known.

    \b
    Examples:
      reconciler unmanaged
      reconciler import --generate          # the YAML that declares them
    """
    from reconciler.app.agents.look import unmanaged_sessions
    from reconciler.app.project.project import find_project
    from reconciler.app.project.settlement import flag

    at = find_project(chdir, registry)
    flag(at)
    found = unmanaged_sessions(at)
    if as_json:
        tell_json({"unmanaged": found})
    elif not found:
        tell("Every session that is named like ours is in a manifest.")
    else:
        width = max(len(str(each["session"])) for each in found)
        for each in found:
            tell(f"{each['session']:<{width}}  {each['command']} (pid {each['pid']}) in {each['cwd']}")
    return ExitCode.OK
