"""restart: end agents and start them again, each in its own conversation."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.agents.look import look
from reconciler.app.agents.names import full_names, resolve_declared
from reconciler.app.plan.by_hand import request_to_restart
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.parameters import Option
from reconciler.model.duration import seconds
from reconciler.render.output import warn


def restart(
    names: opt.Names,
    reason: Annotated[
        str, Option("--reason", metavar="TEXT", help="Reason, for the registry and the history")
    ] = "restarted by hand",
    force: opt.Force = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Stop agents and start them again, each in its own conversation.

    Without --force, an agent is not interrupted while it is busy, or while its state cannot be read.

    \b
    Example:
      reconciler restart landing-page
    """
    at = find_project(chdir, registry)
    seen = look(at, everyone=False)
    agents = tuple(dict.fromkeys(resolve_declared(seen, names)))
    warn(*full_names(seen, names))
    request = request_to_restart(agents, reason, force=force)
    options = ApplyOptions(True, max_destroy=len(agents), lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json, by_name="running"))
