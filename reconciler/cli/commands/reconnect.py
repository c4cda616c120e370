"""reconnect: reach a tmux server again that lives without its socket."""

from __future__ import annotations

from reconciler.cli import options as opt


def reconnect(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Let a running tmux server make its socket again.

    Something that cleans up /tmp may remove the socket; the server and its agents live on, and nobody reaches them.
    Nothing is ended or started.

    \b
    Example:
      reconciler reconnect
    """
    from reconciler.app.agents.reconnect import reconnect as run
    from reconciler.app.project.project import find_project

    return run(find_project(chdir, registry), as_json=as_json)
