"""job answer: permissions that are given from afar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.agents.permission import Answer
from reconciler.app.project.places import JOB_RECORDS
from reconciler.cli import options as opt
from reconciler.model.errors import Refused, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell_json

if TYPE_CHECKING:
    from reconciler.jobs.answer import Sighting
    from reconciler.jobs.glance import Recipient
    from reconciler.jobs.record import Records
    from reconciler.model.job import Job
    from reconciler.ports.world import World


def register(group: typer.Typer) -> None:
    """Put the command into the group of the jobs."""
    group.command("answer")(answer)


def answer(
    job: opt.JobId,
    choice: Annotated[
        Answer | None, typer.Argument(metavar="[approve|deny]", help="The answer", show_default=False)
    ] = None,
    request: Annotated[
        str, typer.Option("--request", metavar="R", help="The request that is answered, as shown", show_default=False)
    ] = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show what permission the agent of a job asks for, and answer it.

    Without an answer, the dialog is shown. What was shown under the name of a request, and nothing else, can then be
    approved, for this once, or denied; the audit of the job keeps who did. Anything else is refused: exit 7.

    \b
    Examples:
      reconciler job answer --job 20260625T031924123-0c7e5a9b1d2f3a4b
      reconciler job answer --job 20260625T031924123-0c7e5a9b1d2f3a4b --request 5d0c...e1 approve
    """
    from reconciler.app.jobs import jobs
    from reconciler.app.project.copies import refuse_copy
    from reconciler.app.project.project import find_project
    from reconciler.jobs.answer import Request
    from reconciler.jobs.answer import answer as give
    from reconciler.jobs.record import read

    if (choice is None) != (not request):
        raise UsageError("an answer names its request", fix=f"see it: reconciler job answer --job {job}")
    at = find_project(chdir, registry)
    records = jobs.desk(at, registry_dir)
    if choice is not None:
        refuse_copy(at)
    to, world = jobs.agent_of(at, records, read(records, job))
    if choice is None:
        return _show(records, read(records, job), to, world, as_json=as_json)
    given = give(records, Request(job, request), choice, to, world)
    if as_json:
        _print_answer(job, given, choice)
    else:
        _tell(records, f"{choice}: {given.question}")
    return ExitCode.OK


def _show(records: Records, job: Job, to: Recipient, world: World, *, as_json: bool) -> int:
    from reconciler.jobs.answer import sight

    if job.permission is None:
        raise Refused(f"job {job.id} waits for no permission", fix=f"reconciler job status --job {job.id}")
    seen = sight(records, job, to, world)
    if seen is None:
        raise Refused(
            "its screen shows no dialog that could be answered for you",
            fix=f"look, and answer there: reconciler attach {to.pane.session}",
        )
    if as_json:
        _print_answer(job.id, seen, None)
        return ExitCode.OK
    asks = f"It asks for permission: {job.permission.tool}: {job.permission.what}"
    how = f"Answer: reconciler job answer --job {job.id} --request {seen.request} approve|deny"
    _tell(records, "\n".join([asks, *(f"  {line}" for line in seen.lines), how]))
    return ExitCode.OK


def _print_answer(job_id: str, sighting: Sighting, given: Answer | None) -> None:
    from dataclasses import asdict

    from reconciler.render.jobs import answer_document

    tell_json(answer_document(job_id, asdict(sighting), given))


def _tell(records: Records, text: str) -> None:
    from reconciler.render.terminal import show

    show(text.splitlines(), sys.stdout, records.env)
