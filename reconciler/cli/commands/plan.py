"""plan: show what an apply would do."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from reconciler.app.plan import plans
from reconciler.app.plan.addresses import addresses, short_names
from reconciler.app.plan.make import make_plan
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli import outputs
from reconciler.cli.outputs import publish_plan
from reconciler.cli.parameters import Option
from reconciler.model.duration import seconds
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.plan import mode_of
from reconciler.plan.request import Request, ShortWords
from reconciler.plan.verdict import refusal
from reconciler.render.form import Form
from reconciler.render.terminal import show

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.cli.outputs import Output


def plan(
    paths: opt.Paths = None,
    out: Annotated[
        str, Option("--out", metavar="FILE", help="Save the plan for `apply FILE`; it contains no secrets")
    ] = "",
    as_json: opt.Json = False,
    detailed_exitcode: Annotated[bool, Option("--detailed-exitcode", help="Exit with 2 if there are changes")] = False,
    target: opt.Targets = None,
    exclude: opt.Excludes = None,
    replace: opt.Replaces = None,
    refresh: opt.Refresh = True,
    refresh_only: opt.RefreshOnly = False,
    destroy: Annotated[bool, Option("--destroy", help="Plan to end everything")] = False,
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
      reconciler plan --target claude --full
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
        short=ShortWords(short_names(target), short_names(exclude), short_names(replace)),
        mode=mode_of(destroy=destroy, refresh_only=refresh_only),
        refresh=refresh,
        force=force,
    )
    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    options = _PlanOptions(output, full, detailed_exitcode, out, seconds(lock_timeout))
    return _plan(find_project(chdir, registry), request, options)


class _PlanOptions(Struct, frozen=True):
    """How a plan is shown and where it is saved."""

    output: Output
    full: bool
    detailed_exitcode: bool
    out: str
    lock_timeout: float


def _plan(at: Project, request: Request, options: _PlanOptions) -> int:
    if not plans.wait_for_apply(at, options.lock_timeout):
        show(["Warning: an apply is running, so this plan may be out of date"], sys.stderr, at.env)
    try:
        planned = make_plan(at, request)
    except ReconcilerError as error:
        if not options.output.machine_reads:
            raise
        publish_plan(at, plans.failed_document(at, request, error), options.output)
        return error.exit_code
    document = plans.document_of(at, planned)
    publish_plan(at, document, options.output, full=options.full)
    if options.out:
        at.files.write(os.path.abspath(options.out), (json.dumps(document, indent=2) + "\n").encode())
        said = f"Saved: reconciler apply {options.out} --digest sha256:{document['digest']}"
        show([said], sys.stderr, at.env)
    if planned.plan.errors:
        return refusal(planned.plan.errors).exit_code
    return ExitCode.CHANGES if options.detailed_exitcode and not planned.plan.in_sync else ExitCode.OK
