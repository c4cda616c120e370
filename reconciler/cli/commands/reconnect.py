"""reconnect: make a running tmux server reachable again."""

from __future__ import annotations

from reconciler.app.agents.reconnect import reconnect as run
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.model.exit_code import ExitCode
from reconciler.render.documents.reconnect import reconnect_document
from reconciler.render.output import tell, tell_json


def reconnect(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Make a running tmux server create its socket again.

    A cleanup of /tmp may remove the socket: the server and its agents keep running, but cannot be reached.
    This command starts and ends nothing.

    \b
    Example:
      reconciler reconnect
    """
    found = run(find_project(chdir, registry))
    if as_json:
        tell_json(reconnect_document(found.pid, found.socket) if found else reconnect_document())
    elif found is None:
        tell("No tmux server of this project has lost its socket.")
    else:
        tell(f"tmux server {found.pid} answers again at {found.socket}.")
    return ExitCode.OK
