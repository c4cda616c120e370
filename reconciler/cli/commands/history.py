"""history, rollback and confirm: what was applied, and the way back."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.exit_code import ExitCode
from reconciler.cli.words import seconds
from reconciler.model.digits import number_in
from reconciler.model.errors import UsageError
from reconciler.render.door import tell


def register(app: typer.Typer) -> None:
    """Put the commands of this group on the command line."""
    for command in (history, rollback, confirm):
        app.command()(command)
    app.command("await-confirmation", hidden=True)(await_confirmation)


def history(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[show N | diff N M | NAME]",
            autocompletion=completion.agents,
            help="A generation, two, or an agent",
            show_default=False,
        ),
    ] = None,
    file: Annotated[str, typer.Option("--file", metavar="PATH", help="With show: print this manifest as it was")] = "",
    as_json: opt.Json = False,
    full: opt.Full = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """List what was applied; show one of it, or an agent's past.

    Every apply that did something is a generation: its manifests, its plan and its result.

    \b
    Examples:
      reconciler history
      reconciler history show 3
      reconciler history show 3 --file reconciler.yaml
      reconciler history diff 3 5
      reconciler history landing-page-creator-claude
    """
    from reconciler.cli.operations import past
    from reconciler.cli.wiring.project import find_project

    at = find_project(chdir, registry)
    match what or []:
        case []:
            return past.list_all(at, as_json=as_json)
        case ["show", number] if file:
            return past.print_manifest(at, _number(number), file)
        case ["show", number]:
            return past.show_one(at, _number(number), as_json=as_json, full=full)
        case ["diff", before, after]:
            return past.compare(at, _number(before), _number(after), as_json=as_json)
        case [name] if name not in {"show", "diff"}:
            return past.show_agent(at, name, as_json=as_json)
        case _:
            fix = "reconciler history, history show N, history diff N M, or history NAME"
            raise UsageError(f"history does not know {' '.join(what or [])}", fix=fix)


def _number(text: str) -> int:
    number = number_in(text)
    if number is None:
        raise UsageError(f"{text!r} is no number of a generation", fix="list them with `reconciler history`")
    return number


def rollback(
    generation: Annotated[
        str, typer.Argument(metavar="[N]", help="The generation [default: the one before the present]")
    ] = "",
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

    Its manifests come back byte for byte, and with them its agents in their conversations. Shows the
    plan and asks first, as any apply. Edits that nobody has applied are copied aside.

    \b
    Examples:
      reconciler rollback
      reconciler rollback 3
    """
    from reconciler.cli.operations.apply import Manner, work
    from reconciler.cli.operations.rollback import request_of
    from reconciler.cli.wiring.project import find_project

    at = find_project(chdir, registry)
    request = request_of(at, _number(generation) if generation else None, force=force)
    manner = Manner(auto_approve, as_json, full, may_ask, max_destroy, 0, seconds(lock_timeout))
    return work(at, request, manner)


def confirm(chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Keep what was applied with --confirm-within.

    \b
    Example:
      reconciler confirm
    """
    from reconciler.cli.operations import confirmations
    from reconciler.cli.wiring.project import find_project
    from reconciler.state import confirmation as state

    at = find_project(chdir, registry)
    found = state.answer(at.waiting)
    if found is None:
        confirmations.refuse_too_late(at)
        tell("Nothing waits for a confirmation.")
        return ExitCode.OK
    if found.expired:
        raise confirmations.too_late(at, found)
    state.forget(at.waiting)
    tell(f"Generation {found.generation} is confirmed.")
    return ExitCode.OK


def await_confirmation(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="What the apply is called that waits")],
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Go back when an apply is not confirmed in time; started by that apply."""
    from reconciler.cli.operations import watchdog
    from reconciler.cli.wiring.project import find_project

    return watchdog.watch(find_project(chdir, registry), identifier)
