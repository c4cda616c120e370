"""List, cancel, retry and prune recorded jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct

from reconciler.jobs.audit import audit_folder
from reconciler.jobs.prune import forget, prunable
from reconciler.jobs.reading import Recorded, RecordUnreadable
from reconciler.jobs.record import NewJob, Records, look, look_at_all
from reconciler.jobs.transitions import end_job
from reconciler.jobs.validation import verdict_of
from reconciler.jobs.warnings import record_warnings
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import Ending, Job, Result
from reconciler.model.moment import to_millisecond
from reconciler.render.documents.jobs import JobRow, JobsDoc
from reconciler.render.jobs import job_row, jobs_document, validation_document


class JobList(Struct, frozen=True):
    """Jobs as published, errors about unreadable records, and warnings about the others.

    The document contains both.
    """

    document: JobsDoc
    mistakes: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...] = ()


def row_of(records: Records, job: Job) -> JobRow:
    """A job as published."""
    row = job_row(job, audit_folder(job, records.env))
    if found := verdict_of(records, job):
        row["validation"] = validation_document(found.exit_code, found.output)
    return row


def mistakes_in(unreadable: Iterable[RecordUnreadable]) -> tuple[Diagnostic, ...]:
    """What is wrong with each record that cannot be read."""
    return tuple(diagnostic for error in unreadable for diagnostic in error.diagnostics)


def list_jobs(records: Records) -> JobList:
    """All jobs, the oldest first."""
    found, unreadable = look_at_all(records)
    return _listed(records, found, unreadable)


def prune(records: Records, older_than: float, *, delete: bool) -> JobList:
    """The jobs that ended more than `older_than` seconds ago; `delete` removes their records and keeps their audits."""
    found, unreadable = look_at_all(records)
    old = prunable((each.job for each in found), timedelta(seconds=older_than), records.clock.now())
    listed = _listed(records, [each for each in found if each.job in old], unreadable)
    for job in old if delete else ():
        forget(records, job)
    return listed


def _listed(records: Records, found: Sequence[Recorded], unreadable: Iterable[RecordUnreadable]) -> JobList:
    mistakes, warnings = mistakes_in(unreadable), record_warnings(found)
    document = jobs_document([row_of(records, each.job) for each in found], [*mistakes, *warnings])
    return JobList(document, mistakes, warnings)


def cancel(records: Records, job_id: str) -> Job:
    """End a job without a result; its agent is left alone.

    Raises:
        UnknownJob: There is no such record.
        ReconcilerError: The job has already ended.
    """
    wanted = Result(Ending.CANCELLED, "cancelled by hand", to_millisecond(records.clock.now()))
    ended = end_job(records, job_id, wanted)
    if ended.result != wanted:
        before = ended.result.ending if ended.result else "without a result"
        raise ReconcilerError(f"job {job_id} has already ended: {before}")
    return ended


def retry_of(records: Records, job_id: str) -> NewJob:
    """A new job with the same prompt for the same agent.

    Raises:
        UnknownJob: There is no such record.
        Refused: The job has not ended, or its record lacks the prompt or the agent.
    """
    found = look(records, job_id)
    old = found.job
    if not old.ended:
        raise Refused(f"job {job_id} has not ended", fix=f"reconciler job cancel --job {job_id}")
    for key, what in (("prompt", "what its agent was asked"), ("agent", "which agent it was for")):
        if found.assumed(key):
            anew = "reconciler job submit --agent NAME --prompt TEXT"
            raise Refused(f"job {job_id} cannot be tried again: its record does not say {what}", fix=anew)
    return NewJob(
        prompt=old.prompt,
        agent=old.agent,
        agent_session="" if found.assumed("agent_session") else old.agent_session,
        workdir=old.workdir,
        timeout=old.timeout,
        idle_timeout=old.idle_timeout,
        validate=old.validate,
        retry_of=old.id,
        retries=old.retries + 1,
    )
