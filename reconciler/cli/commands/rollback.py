"""rollback, and the watchdog of `apply --confirm-within`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from reconciler.app.history import watchdog
from reconciler.app.history.rollback import request_of
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.parameters import Argument
from reconciler.model.duration import seconds
from reconciler.model.exit_code import ExitCode
from reconciler.model.generation import generation_number
from reconciler.model.moment import to_second
from reconciler.render.output import tell

if TYPE_CHECKING:
    from reconciler.app.project.project import Project


def rollback(
    generation: Annotated[str, Argument(metavar="[N]", help="The generation [default: the previous one]")] = "",
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

    Restores the manifests of that generation byte for byte, and the agents in their conversations. Shows
    the plan and asks first. Keeps a copy of edits that are not applied yet.

    \b
    Examples:
      reconciler rollback
      reconciler rollback 3
    """
    at = find_project(chdir, registry)
    request = request_of(at, generation_number(generation) if generation else None, force=force)
    options = ApplyOptions(auto_approve, max_destroy, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json, full, may_ask))


def await_confirmation(
    identifier: Annotated[str, Argument(metavar="ID", help="Id of the waiting apply")],
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Roll back when an apply is not confirmed in time; the apply starts this."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    at = find_project(chdir, registry)
    os.chdir(at.root)
    options = ApplyOptions(auto_approve=True, max_destroy=watchdog.MAX_DESTROY)
    for event in watchdog.watch(at, identifier, lambda request: carry_out(at, request, options)):
        match event:
            case watchdog.RollbackStarted(reason, back_to):
                _log(at, f"{reason}: rolling back to generation {back_to}")
            case watchdog.RollbackFailed(error):
                _log(at, f"Error: {error.summary}")
            case watchdog.RollbackEnded(code):
                return code
    return ExitCode.OK


def _log(at: Project, text: str) -> None:
    tell(f"{to_second(at.now())} {text}")
    with suppress(OSError):  # the rollback must not fail because its log cannot be written
        sys.stdout.flush()
