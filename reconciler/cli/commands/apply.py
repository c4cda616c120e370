"""apply and destroy: turn the options into a request, and carry it out."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.plan import saved_plans
from reconciler.app.plan.addresses import addresses, short_names
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.parameters import Argument, Option
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.plan import mode_of
from reconciler.plan.approval import classes
from reconciler.plan.request import Request, ShortWords


def apply(
    paths: Annotated[
        list[str] | None,
        Argument(metavar="[PATHS | PLANFILE]", help="Manifests or one saved plan", show_default=False),
    ] = None,
    auto_approve: opt.AutoApprove = False,
    as_json: opt.JsonLines = False,
    target: opt.Targets = None,
    exclude: opt.Excludes = None,
    replace: opt.Replaces = None,
    refresh_only: opt.RefreshOnly = False,
    force: opt.Force = False,
    max_destroy: opt.MaxDestroy = None,
    approve: Annotated[
        str,
        Option("--approve", metavar="A,B,...", help="Actions that need no confirmation: create, update, resume, ..."),
    ] = "",
    digest: Annotated[
        str, Option("--digest", metavar="sha256:...", help="Apply the saved plan only if it has this digest")
    ] = "",
    expect: opt.Expect = "",
    confirm_within: Annotated[
        str,
        Option("--confirm-within", metavar="TIME", help="Roll back unless you run `confirm` in time"),
    ] = "",
    parallelism: opt.Parallelism = 0,
    lock_timeout: opt.LockTimeout = "0s",
    full: opt.Full = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Start, resume, restart and end agents to match the manifests.

    Shows the plan and asks first. The first Ctrl-C finishes the running actions and saves; the second
    stops at once.

    \b
    Examples:
      reconciler apply
      reconciler apply --auto-approve --parallelism 4     # after a reboot
      reconciler apply today.plan                         # exactly this plan; exit code 5 if it is stale
      reconciler apply --target workspace.landing-page
      reconciler apply --approve create,resume            # ask before anything else
      reconciler apply --auto-approve --expect sha256:...  # only the plan with this digest
      reconciler apply --confirm-within 60s               # then check, and run: reconciler confirm
    """
    if approve and auto_approve:
        raise UsageError("--approve and --auto-approve cannot be combined")
    within = seconds(confirm_within) if confirm_within else 0
    if confirm_within and (refresh_only or not within):
        raise UsageError("--confirm-within needs a time above 0, and cannot be combined with --refresh-only")
    at = find_project(chdir, registry)
    options = ApplyOptions(
        auto_approve,
        max_destroy,
        parallelism,
        seconds(lock_timeout),
        approved=classes(approve),
        digest=digest,
        expect=opt.digest_of(expect),
        confirm_within=within,
    )
    display = ApplyDisplay(as_json, full, may_ask)
    saved = saved_plans.saved_plan(paths or [])
    if expect and saved is not None:
        raise UsageError("--expect is for a plan that is made now", fix="for a saved plan, use --digest")
    if digest and saved is None:
        raise UsageError("--digest is for a saved plan", fix="reconciler apply PLANFILE --digest sha256:...")
    if saved is not None:
        if target or exclude or replace or refresh_only:
            fix = "pass them to `reconciler plan --out` instead"
            raise UsageError("a saved plan cannot be combined with --target and similar options", fix=fix)
        return carry_out(at, saved_plans.request_of(saved), options, display, saved)
    request = Request(
        paths=tuple(paths or ()),
        targets=addresses(target),
        exclude=addresses(exclude),
        replace=addresses(replace),
        short=ShortWords(short_names(target), short_names(exclude), short_names(replace)),
        mode=mode_of(destroy=False, refresh_only=refresh_only),
        force=force,
    )
    return carry_out(at, request, options, display)


def destroy(
    paths: opt.Paths = None,
    auto_approve: opt.AutoApprove = False,
    as_json: opt.JsonLines = False,
    target: opt.Targets = None,
    exclude: opt.Excludes = None,
    force: opt.Force = False,
    max_destroy: opt.MaxDestroy = None,
    expect: opt.Expect = "",
    lock_timeout: opt.LockTimeout = "0s",
    full: opt.Full = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """End every agent and every broker.

    Keeps all conversations, and the files, keys and data of brokers. Removes the folders that apply made,
    if they are clean.

    \b
    Examples:
      reconciler destroy
      reconciler destroy --target workspace.landing-page
    """
    options = ApplyOptions(auto_approve, max_destroy, lock_timeout=seconds(lock_timeout), expect=opt.digest_of(expect))
    request = Request(
        paths=tuple(paths or ()),
        targets=addresses(target),
        exclude=addresses(exclude),
        short=ShortWords(short_names(target), short_names(exclude)),
        mode=mode_of(destroy=True, refresh_only=False),
        force=force,
        operation="destroy",
    )
    return carry_out(find_project(chdir, registry), request, options, ApplyDisplay(as_json, full, may_ask))
