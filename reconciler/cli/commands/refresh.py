"""refresh: update the registry to match what is running."""

from __future__ import annotations

from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.model.duration import seconds
from reconciler.model.plan import Mode
from reconciler.plan.request import Request


def refresh(
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Update the registry to match what is running.

    The same as `apply --refresh-only`: nothing is started, stopped or deleted.

    \b
    Example:
      reconciler refresh
    """
    options = ApplyOptions(auto_approve=True, lock_timeout=seconds(lock_timeout))
    request = Request(mode=Mode.REFRESH_ONLY)
    return carry_out(find_project(chdir, registry), request, options, ApplyDisplay(as_json))
