"""job answer: show and answer permission requests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec import to_builtins

from reconciler.agents.permission import Answer
from reconciler.app.jobs import permissions
from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.answer_options import Choice, RequestId
from reconciler.cli.show.jobs import show_diagnostics
from reconciler.jobs.answer import PermissionRequest
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.jobs import answer_document
from reconciler.render.output import tell_json
from reconciler.render.terminal import show

if TYPE_CHECKING:
    from reconciler.app.jobs.permissions import PendingPermission
    from reconciler.jobs.dialogs import ShownDialog
    from reconciler.jobs.record import Records


def answer(
    job: opt.JobId,
    choice: Choice = None,
    request: RequestId = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show the permission request of a job's agent, and answer it.

    Without an answer, shows the dialog and the id of the request. With that id, you approve the request once,
    or deny it. If the dialog has changed since, the answer is refused (exit code 7). The audit log records
    which user answered.

    \b
    Examples:
      reconciler job answer --job 20260625T031924123-0c7e5a9b1d2f3a4b
      reconciler job answer --job 20260625T031924123-0c7e5a9b1d2f3a4b --request 5d0c...e1 approve
    """
    if (choice is None) != (not request):
        raise UsageError("an answer needs --request", fix=f"show the request first: reconciler job answer --job {job}")
    at = find_project(chdir, registry)
    records = records_of(at, registry_dir)
    asked = permissions.asked_agent(at, records, job, to_answer=choice is not None)
    show_diagnostics(records, asked.warnings)
    if choice is None:
        _show(records, job, permissions.pending_permission(records, job, asked), as_json=as_json)
        return ExitCode.OK
    given = permissions.answer(records, PermissionRequest(job, request), choice, asked)
    if as_json:
        _print_answer(job, given, choice)
    else:
        _tell(records, f"{choice}: {given.question}")
    return ExitCode.OK


def _show(records: Records, job_id: str, pending: PendingPermission, *, as_json: bool) -> None:
    asked, seen = pending.permission, pending.shown
    if as_json:
        _print_answer(job_id, seen, None)
        return
    asks = f"It asks for permission: {asked.tool}: {asked.what}"
    how = f"Answer: reconciler job answer --job {job_id} --request {seen.request} approve|deny"
    _tell(records, "\n".join([asks, *(f"  {line}" for line in seen.lines), how]))


def _print_answer(job_id: str, shown: ShownDialog, given: Answer | None) -> None:
    tell_json(answer_document(job_id, to_builtins(shown), given))


def _tell(records: Records, text: str) -> None:
    show(text.splitlines(), sys.stdout, records.env)
