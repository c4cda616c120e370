"""types: show what is known of each agent type, and keep screens of running agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from reconciler.app.agents.types import KnownType, known_types
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, Option
from reconciler.cli.show.record_screens import RecordRequest, record
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell, tell_json
from reconciler.render.types import type_document, type_text, types_document, types_text

if TYPE_CHECKING:
    from reconciler.render.documents.types import KnownTypeDoc


def types(
    what: Annotated[
        list[str] | None,
        Argument(
            metavar="[NAME | record AGENT]",
            autocompletion=completion.types,
            help="A type; or record and a running agent, to keep its screens",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        str, Option("--state", metavar="STATE", help="With record: idle, busy, waiting or dialog; keep one screen")
    ] = "",
    situation: Annotated[
        str, Option("--situation", metavar="WORDS", help="With --state: what is so; the name of a dialog")
    ] = "",
    version: Annotated[
        str, Option("--cli-version", metavar="VERSION", help="With record: the CLI's version [default: it is asked]")
    ] = "",
    out: Annotated[str, Option("--out", metavar="DIR", help="With record: the folder for the screens")] = "screens",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show what is known of each agent type, and keep screens of a running agent.

    A type is shown in the words of `agent_types` in a manifest, so that it can be copied and changed. `record` asks
    what each new screen shows, and writes it to a file with the CLI, its version and the day.

    \b
    Examples:
      reconciler types
      reconciler types codex
      reconciler types --json | jq -r '.types[].name'
      reconciler types record landing-page --out screens
      reconciler types record landing-page --state busy --situation working
    """
    at = find_project(chdir, registry)
    match what or []:
        case ["record", name]:
            return record(at, RecordRequest(name, out, state, situation, version), as_json=as_json)
        case []:
            document = types_document([_document(each) for each in known_types(at)])
            lines = types_text(document)
        case [name]:
            document = types_document([_document(each) for each in known_types(at, name)])
            lines = type_text(document["types"][0])
        case _:
            raise UsageError("types takes one name", fix="reconciler types NAME, or reconciler types record AGENT")
    if as_json:
        tell_json(document)
    else:
        tell(*lines)
    return ExitCode.OK


def _document(found: KnownType) -> KnownTypeDoc:
    document = type_document(found.profile, found.origin, found.words, found.in_python, found.place)
    program, version = found.program or None, found.version or None
    return {**document, "program": program, "version": version, "hidden": list(found.hidden)}
