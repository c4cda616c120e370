"""reconnect: reach a tmux server again that lives without its socket."""

from __future__ import annotations

import typer

from reconciler.cli import options as opt
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell


def register(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command()(reconnect)


def reconnect(chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Let a running tmux server make its socket again.

    Something that cleans up /tmp may remove the socket; the server and its agents live on, and nobody reaches them.
    Nothing is ended or started.

    \b
    Example:
      reconciler reconnect
    """
    from reconciler.app.agents.reconnect import reconnect as run
    from reconciler.app.project.project import find_project

    found = run(find_project(chdir, registry))
    if found is None:
        tell("No tmux server of this project is out of sight.")
    else:
        tell(f"tmux server {found.pid} answers again at {found.socket}.")
    return ExitCode.OK
