"""monitor: watch the agents, write down what belongs in the registry, tell the rest."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.model.errors import UsageError

from . import options as opt


def register(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command()(monitor)


def monitor(
    once: Annotated[bool, typer.Option("--once", help="Look once, and end")] = False,
    emit_diff: Annotated[
        bool, typer.Option("--emit-diff", help="Print a JSON document of what is new instead of text")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing: neither the registry, nor any other file")
    ] = False,
    interval: Annotated[
        str,
        typer.Option(
            "--interval", metavar="TIME", help="Between two passes [default: 30s; 60s from five agents in a workspace]"
        ),
    ] = "",
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="End after that time; 0 for never")] = "0",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Watch the agents until Ctrl-C; write into the registry what is true, and tell what is new, once.

    Sessions are never started, stopped or renamed, and conversations never touched. Exits with 0, also with drift; with
    --once, 1 says that something could not be looked at.

    \b
    Examples:
      reconciler monitor
      reconciler monitor --once --emit-diff
      reconciler monitor --once --emit-diff --dry-run
    """
    from . import wire
    from .monitoring import Manner
    from .monitoring import monitor as run

    manner = Manner(once, emit_diff, dry_run, _interval(interval), opt.seconds(timeout))
    return run(wire.project(chdir, registry), manner)


def _interval(text: str) -> float:
    """Seconds, 0 for the usual ones; UsageError for no time at all."""
    if not text:
        return 0.0
    found = opt.seconds(text)
    if not found:
        raise UsageError("the monitor needs some time between two passes", fix="say --interval 30s, or nothing")
    return found
