"""history, rollback and confirm: what was applied, and the way back."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.model.digits import number_in
from reconciler.model.duration import seconds
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.moment import to_second
from reconciler.render import generations as shown
from reconciler.render.generations import generation_text
from reconciler.render.output import tell, tell_bytes, tell_json
from reconciler.render.terminal import show
from reconciler.render.text import plan_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.app.history.past import AgentPast
    from reconciler.app.project.project import Project
    from reconciler.render.generation_shape import GenerationDoc


def history(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[show N | diff N M | NAME]",
            autocompletion=completion.agents,
            help="show and a generation, diff and two generations, or an agent",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str, typer.Option("--file", metavar="PATH", help="With show: print this manifest as it was then")
    ] = "",
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
      reconciler history landing-page-creator-claude
    """
    from reconciler.app.history import past

    at = find_project(chdir, registry)
    match what or []:
        case []:
            listed = past.list_all(at)
            _show(at, listed, shown.history_text(listed), as_json=as_json)
        case ["show", number] if file:
            tell_bytes(past.manifest(at, _number(number), file))
        case ["show", number]:
            _show_one(at, past.read_one(at, _number(number)), as_json=as_json, full=full)
        case ["diff", before, after]:
            difference = past.compare(at, _number(before), _number(after))
            _show(at, difference, shown.diff_text(difference), as_json=as_json)
        case [name] if name not in {"show", "diff"}:
            found = past.agent_past(at, name)
            _show(at, to_builtins(found), _past_text(found), as_json=as_json)
        case _:
            fix = "reconciler history, history show N, history diff N M, or history NAME"
            raise UsageError(f"history does not know {' '.join(what or [])}", fix=fix)
    return ExitCode.OK


def _show_one(at: Project, document: GenerationDoc, *, as_json: bool, full: bool) -> None:
    from reconciler.app.plan.plans import plan_mistake

    if not as_json and (mistake := plan_mistake(document["plan"])):
        raise ReconcilerError(f"the plan of generation {document['number']} cannot be shown: {mistake}")
    lines = (*generation_text(document), "", *plan_text(document["plan"], full=full))
    _show(at, document, lines, as_json=as_json)


def _past_text(past: AgentPast) -> Iterator[str]:
    yield f"Conversations, newest first: {', '.join(filter(None, past.conversations)) or 'none yet'}"
    for entry in past.entries:
        said = ", ".join(part for part in (entry.reason, entry.note) if part)
        yield f"{entry.at}  {entry.what:<8}  {said}"


def _show(at: Project, document: object, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        tell_json(document)
    else:
        show(lines, sys.stdout, at.env)


def _number(text: str) -> int:
    number = number_in(text)
    if number is None:
        raise UsageError(f"{text!r} is no number of a generation", fix="list them with `reconciler history`")
    return number


def rollback(
    generation: Annotated[str, typer.Argument(metavar="[N]", help="The generation [default: the previous one]")] = "",
    auto_approve: opt.AutoApprove = False,
    as_json: opt.JsonLines = False,
    full: opt.Full = False,
    force: opt.Force = False,
    max_destroy: opt.MaxDestroy = None,
    lock_timeout: opt.LockTimeout = "0s",
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Go back to an earlier generation.

    Restores the manifests of that generation byte for byte, and the agents in their conversations. Shows
    the plan and asks first. Keeps a copy of edits that are not applied yet.

    \b
    Examples:
      reconciler rollback
      reconciler rollback 3
    """
    from reconciler.app.history.rollback import request_of
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.cli.apply_output import ApplyDisplay, carry_out

    at = find_project(chdir, registry)
    request = request_of(at, _number(generation) if generation else None, force=force)
    options = ApplyOptions(auto_approve, max_destroy, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json, full, may_ask))


def confirm(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Keep the changes of `apply --confirm-within`.

    \b
    Example:
      reconciler confirm
    """
    from reconciler.app.history.confirm import confirm as keep
    from reconciler.render.answer_shape import confirmation_document

    number = keep(find_project(chdir, registry))
    if as_json:
        tell_json(confirmation_document(number))
    else:
        tell("Nothing waits for a confirmation." if number is None else f"Generation {number} is confirmed.")
    return ExitCode.OK


def await_confirmation(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of the waiting apply")],
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Roll back when an apply is not confirmed in time; the apply starts this."""
    from reconciler.app.history import watchdog
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.cli.apply_output import carry_out

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    at = find_project(chdir, registry)
    os.chdir(at.root)
    options = ApplyOptions(auto_approve=True, max_destroy=watchdog.MAX_DESTROY)
    for event in watchdog.watch(at, identifier, lambda request: carry_out(at, request, options)):
        match event:
            case watchdog.RollbackStarted(reason, back_to):
                _log(at, f"{reason}: back to generation {back_to}")
            case watchdog.RollbackFailed(error):
                _log(at, f"Error: {error.summary}")
            case watchdog.RollbackEnded(code):
                return code
    return ExitCode.OK


def _log(at: Project, text: str) -> None:
    tell(f"{to_second(at.now())} {text}")
    with suppress(OSError):  # the way back must not wait for a place to write about it
        sys.stdout.flush()
