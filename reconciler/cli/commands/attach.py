"""attach: connect this terminal to an agent's session."""

from __future__ import annotations

import os
import sys
from shlex import quote
from typing import TYPE_CHECKING, NoReturn

from reconciler.app.agents.look import look, unseen
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.pick import pick_agent
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.observed import Present, Unknown
from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.output import tell_json

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.render.documents.attach import AttachDoc


def attach(
    name: opt.OneName = "", as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = ""
) -> int:
    """Attach this terminal to an agent's session.

    Without a name, you pick one from a list: those that need you first. With --json, prints the command that
    attaches, and runs nothing.

    \b
    Examples:
      reconciler attach                # pick one
      reconciler attach landing-page
      reconciler attach claude
    """
    at = find_project(chdir, registry)
    warn_about_registry(at)
    if not name and as_json:
        raise UsageError("name an agent", fix="`reconciler status` lists all agents")
    name = name or pick_agent(at)
    if not name:
        return ExitCode.INTERRUPTED
    document = _way_to(at, name)
    if not as_json:
        _hand_over(document["command"])
    tell_json(document)
    return ExitCode.OK


def _hand_over(command: list[str]) -> NoReturn:
    """Become the command that attaches this terminal."""
    if "attach-session" in command and not os.isatty(sys.stdin.fileno()):
        raise UsageError("attach needs a terminal", fix=f"in a terminal, type: {' '.join(command)}")
    os.execvp(command[0], command)  # noqa: S606 - the terminal now belongs to tmux


def _way_to(at: Project, name: str) -> AttachDoc:
    """The session of the agent, and the command that attaches to it."""
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name], found=True)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    pane = seen.pane(address)
    if not isinstance(pane, Present):
        raise ReconcilerError(
            f"{address} has no live session", fix=f"start it: reconciler resume {quote(str(address))}"
        )
    session = pane.value.session
    command = at.attaching(seen.desired.socket, session)
    return {"format_version": FORMAT_VERSION, "address": str(address), "session": session, "command": command}
