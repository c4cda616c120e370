"""attach: connect this terminal to an agent's session."""

from __future__ import annotations

import os
import sys

from reconciler.app.agents.look import look, unseen
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Present, Unknown


def attach(name: opt.Name, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Attach this terminal to an agent's session.

    \b
    Example:
      reconciler attach landing-page
      reconciler attach landing-page-creator-claude
    """
    at = find_project(chdir, registry)
    warn_about_registry(at)
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name], found=True)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    pane = seen.pane(address)
    if not isinstance(pane, Present):
        raise ReconcilerError(f"{address} has no live session", fix=f"start it: reconciler resume {address}")
    command = at.attaching(seen.desired.socket, pane.value.session)
    if "attach-session" in command and not os.isatty(sys.stdin.fileno()):
        raise UsageError("attach needs a terminal", fix=f"in a terminal, type: {' '.join(command)}")
    os.execvp(command[0], command)  # noqa: S606 - the terminal now belongs to tmux
