"""history: list, show and compare applies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from reconciler.app.history import past
from reconciler.app.plan.saved_plans import plan_mistake
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Argument, Option
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.generation import generation_number
from reconciler.render import generations as shown
from reconciler.render.generations import generation_text
from reconciler.render.output import tell_bytes, tell_json
from reconciler.render.past import past_text
from reconciler.render.terminal import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.app.project.project import Project
    from reconciler.render.documents.agent_history import AgentHistoryDoc
    from reconciler.render.documents.generation import GenerationDoc


def history(
    what: Annotated[
        list[str] | None,
        Argument(
            metavar="[show N | diff N M | NAME]",
            autocompletion=completion.agents,
            help="show and a generation, diff and two generations, or an agent",
            show_default=False,
        ),
    ] = None,
    file: Annotated[str, Option("--file", metavar="PATH", help="With show: print this manifest as it was then")] = "",
    lines: Annotated[bool, Option("--text", help="With diff: print the lines of the manifests that differ")] = False,
    as_json: opt.Json = False,
    full: opt.Full = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """List earlier applies, compare two, or show an agent's history.

    Every apply that changed something is kept as a generation: its manifests, its plan and its result.

    \b
    Examples:
      reconciler history
      reconciler history show 3
      reconciler history show 3 --file reconciler.yaml
      reconciler history diff 3 5
      reconciler history diff 3 5 --text
      reconciler history claude
    """
    at = find_project(chdir, registry)
    match what or []:
        case []:
            listed = past.list_all(at)
            _show(at, listed, shown.history_text(listed), as_json=as_json)
        case ["show", number] if file:
            tell_bytes(past.manifest(at, generation_number(number), file))
        case ["show", number]:
            _show_one(at, past.read_one(at, generation_number(number)), as_json=as_json, full=full)
        case ["diff", before, after]:
            difference = past.compare(at, generation_number(before), generation_number(after))
            _show(at, difference, shown.diff_text(difference, lines=lines), as_json=as_json)
        case [name] if name not in {"show", "diff"}:
            warn_about_registry(at)
            found = past.agent_past(at, name)
            _show(at, found, _past_text(found), as_json=as_json)
        case _:
            fix = "reconciler history, history show N, history diff N M, or history NAME"
            raise UsageError(f"unexpected arguments: {' '.join(what or [])}", fix=fix)
    return ExitCode.OK


def _show_one(at: Project, document: GenerationDoc, *, as_json: bool, full: bool) -> None:

    if not as_json and (mistake := plan_mistake(document["plan"])):
        raise ReconcilerError(f"the plan of generation {document['number']} cannot be shown: {mistake}")
    lines = (*generation_text(document), "", *past_text(document, full=full))
    _show(at, document, lines, as_json=as_json)


def _past_text(document: AgentHistoryDoc) -> Iterator[str]:
    yield f"Conversations, newest first: {', '.join(document['conversations']) or 'none yet'}"
    for entry in document["entries"]:
        said = ", ".join(part for part in (entry["reason"], entry["note"]) if part)
        yield f"{entry['at']}  {entry['what']:<8}  {said}"


def _show(at: Project, document: object, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        tell_json(document)
    else:
        show(lines, sys.stdout, at.env)
