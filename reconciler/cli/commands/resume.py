"""resume: start stopped agents again."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.agents.look import look, unseen
from reconciler.app.agents.names import at_rest, expect_at_rest, resolve_declared
from reconciler.app.plan.by_hand import request_to_resume
from reconciler.app.plan.endings import SECONDS, await_endings
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.parameters import Option
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.observed import Unknown
from reconciler.render.output import tell, warn


def resume(
    names: opt.SomeNames = None,
    everything: Annotated[bool, Option("--all", help="Every declared agent that is not running")] = False,
    session_id: Annotated[
        str, Option("--session-id", metavar="ID", help="Continue this conversation; for one agent")
    ] = "",
    fresh: Annotated[bool, Option("--fresh", help="Start a new conversation; the old one stays listed")] = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Start agents again, each in its own conversation.

    \b
    Examples:
      reconciler resume claude
      reconciler resume --all                      # after a reboot
      reconciler resume claude --session-id b3a7c1d2-...
    """
    if bool(names) == everything:
        raise UsageError("name the agents, or pass --all")
    if fresh and session_id:
        raise UsageError("--fresh and --session-id cannot be combined")
    at = find_project(chdir, registry)
    seen = look(at, everyone=False)
    agents = at_rest(seen) if everything else resolve_declared(seen, names or [])
    if session_id and len(agents) != 1:
        raise UsageError("--session-id is for one agent")
    if session_id or fresh:
        expect_at_rest(seen, agents)
    request = request_to_resume(agents, "never" if fresh else session_id)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    if not agents:
        tell("Every declared agent is already running.")
        return ExitCode.OK
    for action in await_endings(at, seen, request):
        warn(f"Waiting up to {SECONDS:g} s for {action.address}: {action.note}")
    options = ApplyOptions(True, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json, by_name="running"))
