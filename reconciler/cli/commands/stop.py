"""stop and archive: stop agents by name."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.agents.look import look
from reconciler.app.agents.names import expect_ids, full_names, resting
from reconciler.app.plan.by_hand import request_to_stop
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.apply import ApplyTimeouts
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.parameters import Option
from reconciler.model.desired import RunState
from reconciler.model.duration import seconds
from reconciler.plan.request import Request
from reconciler.render.output import warn

Reason = Annotated[str, Option("--reason", metavar="TEXT", help="Reason, for the registry and the history")]


def stop(
    names: opt.Names,
    graceful: Annotated[
        bool, Option("--graceful/--now", help="Type the CLI's quit command, or end the agent at once")
    ] = True,
    capture_id: Annotated[
        bool, Option("--capture-id", help="Refuse to stop an agent whose conversation id is not known")
    ] = False,
    reason: Reason = "stopped by hand",
    timeout: Annotated[str, Option("--timeout", metavar="TIME", help="How long the agent may take to exit")] = "10s",
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Stop agents; they stay stopped until `resume`.

    You can resume the conversations later. Without --now, an agent is not interrupted while it is busy, or
    while its state cannot be read.

    \b
    Examples:
      reconciler stop landing-page --reason "done for today"
      reconciler stop claude --now
    """
    at = find_project(chdir, registry)
    seen = look(at)
    agents = resting(seen, names)
    warn(*full_names(seen, names))
    if capture_id:
        expect_ids(seen, agents)
    request = request_to_stop(agents, reason, force=not graceful)
    patience = ApplyTimeouts(quit=seconds(timeout) if graceful else 0)
    options = ApplyOptions(True, lock_timeout=seconds(lock_timeout), patience=patience)
    return carry_out(at, request, options, ApplyDisplay(as_json, by_name="stopped"))


def archive(
    names: opt.Names,
    reason: Reason = "archived by hand",
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Stop and archive agents; they stay archived until `resume`.

    \b
    Example:
      reconciler archive claude
    """
    at = find_project(chdir, registry)
    seen = look(at, everyone=False)
    agents = resting(seen, names)
    warn(*full_names(seen, names))
    request = Request(states=dict.fromkeys(agents, RunState.ARCHIVED), reason=reason or "archived by hand")
    options = ApplyOptions(True, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json, by_name="archived"))
