"""plan, apply and destroy: from words to a request, and on to the work."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from reconciler.app.plan import plans
from reconciler.app.plan.addresses import addresses
from reconciler.app.plan.make import make_plan
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli import outputs
from reconciler.cli.outputs import publish_plan
from reconciler.model.duration import seconds
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.plan import Mode
from reconciler.plan.request import Request
from reconciler.plan.verdict import refusal
from reconciler.render.form import Form
from reconciler.render.terminal import show

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.cli.outputs import Output


def plan(
    paths: opt.Paths = None,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Save the plan for `apply FILE`; it contains no secrets")
    ] = "",
    as_json: opt.Json = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if there are changes")
    ] = False,
    target: opt.Targets = None,
    exclude: opt.Excludes = None,
    replace: opt.Replaces = None,
    refresh: opt.Refresh = True,
    refresh_only: opt.RefreshOnly = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="Plan to end everything")] = False,
    full: opt.Full = False,
    form: opt.Format = Form.TEXT,
    junit: opt.Junit = "",
    sarif: opt.Sarif = "",
    markdown: opt.Markdown = "",
    html: opt.Html = "",
    force: opt.Force = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show what apply would do.

    Changes nothing. Only the plan and report files that you name are written.

    \b
    Examples:
      reconciler plan
      reconciler plan --target agent.landing-page.claude --full
      reconciler plan --out today.plan && reconciler apply today.plan
      reconciler plan --detailed-exitcode     # for scripts: 0 in sync, 2 changes
      reconciler plan --html plan.html --junit plan.xml
    """
    if refresh_only and not refresh:
        raise UsageError("--refresh-only cannot be combined with --refresh=false")
    request = Request(
        paths=tuple(paths or ()),
        targets=addresses(target),
        exclude=addresses(exclude),
        replace=addresses(replace),
        mode=_mode(destroy=destroy, refresh_only=refresh_only),
        refresh=refresh,
        force=force,
    )
    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    options = _PlanOptions(output, full, detailed_exitcode, out, seconds(lock_timeout))
    return _plan(find_project(chdir, registry), request, options)


class _PlanOptions(Struct, frozen=True):
    """How a plan is shown, and where it is saved."""

    output: Output
    full: bool
    detailed_exitcode: bool
    out: str
    lock_timeout: float


def _plan(at: Project, request: Request, options: _PlanOptions) -> int:
    if not plans.wait_for_apply(at, options.lock_timeout):
        show(["Warning: an apply is running; what is shown may be out of date"], sys.stderr, at.env)
    try:
        planned = make_plan(at, request)
    except ReconcilerError as error:
        if not options.output.machine_reads:
            raise
        publish_plan(at, plans.failed_document(request, error), options.output)
        return error.exit_code
    document = plans.document_of(planned)
    publish_plan(at, document, options.output, full=options.full)
    if options.out:
        at.files.write(os.path.abspath(options.out), (json.dumps(document, indent=2) + "\n").encode())
        said = f"Saved: reconciler apply {options.out} --digest sha256:{document['digest']}"
        show([said], sys.stderr, at.env)
    if planned.plan.errors:
        return refusal(planned.plan.errors).exit_code
    return ExitCode.CHANGES if options.detailed_exitcode and not planned.plan.in_sync else ExitCode.OK


def apply(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATHS | PLANFILE]", help="Manifests or one saved plan", show_default=False),
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
        typer.Option(
            "--approve", metavar="A,B,...", help="Actions that need no confirmation: create, update, resume, ..."
        ),
    ] = "",
    digest: Annotated[
        str, typer.Option("--digest", metavar="sha256:...", help="Apply the saved plan only if it has this digest")
    ] = "",
    confirm_within: Annotated[
        str,
        typer.Option("--confirm-within", metavar="TIME", help="Roll back unless you run `confirm` in time"),
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
      reconciler apply --confirm-within 60s               # then check, and run: reconciler confirm
    """
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.cli.apply_output import ApplyDisplay, carry_out
    from reconciler.plan.approval import classes

    if approve and auto_approve:
        raise UsageError("--approve and --auto-approve exclude each other")
    within = seconds(confirm_within) if confirm_within else 0
    if confirm_within and (refresh_only or not within):
        raise UsageError("--confirm-within needs some time, and something to take back")
    at = find_project(chdir, registry)
    options = ApplyOptions(
        auto_approve,
        max_destroy,
        parallelism,
        seconds(lock_timeout),
        approved=classes(approve),
        digest=digest,
        confirm_within=within,
    )
    display = ApplyDisplay(as_json, full, may_ask)
    saved = plans.saved_plan(paths or [])
    if digest and saved is None:
        raise UsageError("--digest is for a saved plan", fix="reconciler apply PLANFILE --digest sha256:...")
    if saved is not None:
        if target or exclude or replace or refresh_only:
            raise UsageError("a saved plan is applied as it is", fix="give --target and the like when you plan")
        return carry_out(at, plans.request_of(saved), options, display, saved)
    request = Request(
        paths=tuple(paths or ()),
        targets=addresses(target),
        exclude=addresses(exclude),
        replace=addresses(replace),
        mode=_mode(destroy=False, refresh_only=refresh_only),
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
    from reconciler.app.plan.options import ApplyOptions
    from reconciler.cli.apply_output import ApplyDisplay, carry_out

    options = ApplyOptions(auto_approve, max_destroy, lock_timeout=seconds(lock_timeout))
    request = Request(
        paths=tuple(paths or ()),
        targets=addresses(target),
        exclude=addresses(exclude),
        mode=_mode(destroy=True, refresh_only=False),
        force=force,
        operation="destroy",
    )
    return carry_out(find_project(chdir, registry), request, options, ApplyDisplay(as_json, full, may_ask))


def _mode(*, destroy: bool, refresh_only: bool) -> Mode:
    if refresh_only and destroy:
        raise UsageError("--refresh-only cannot be combined with --destroy")
    if destroy:
        return Mode.DESTROY
    return Mode.REFRESH_ONLY if refresh_only else Mode.NORMAL
