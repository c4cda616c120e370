"""Jobs as published, and what is done to recorded ones: cancel, retry, forget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from msgspec import Struct

from reconciler.jobs.audit import audit_folder
from reconciler.jobs.prune import forget, prunable
from reconciler.jobs.record import NewJob, Records, RecordUnreadable, read, read_all
from reconciler.jobs.transitions import end_job
from reconciler.jobs.validation import verdict_of
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import Ending, Job, Result
from reconciler.model.moment import to_millisecond
from reconciler.render.documents.jobs import JobRow, JobsDoc
from reconciler.render.jobs import job_row, jobs_document, validation_document


class JobList(Struct, frozen=True):
    """Jobs as published, and what is wrong with each record that cannot be read."""

    document: JobsDoc
    mistakes: tuple[Diagnostic, ...]


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
    jobs, unreadable = read_all(records)
    return _listed(records, jobs, unreadable)


def prune(records: Records, older_than: float, *, delete: bool) -> JobList:
    """The jobs that ended longer ago than that (seconds); with `delete` they are forgotten, but for their audits."""
    jobs, unreadable = read_all(records)
    old = prunable(jobs, timedelta(seconds=older_than), records.clock.now())
    for job in old if delete else ():
        forget(records, job)
    return _listed(records, old, unreadable)


def _listed(records: Records, jobs: Iterable[Job], unreadable: Iterable[RecordUnreadable]) -> JobList:
    mistakes = mistakes_in(unreadable)
    return JobList(jobs_document([row_of(records, job) for job in jobs], mistakes), mistakes)


def cancel(records: Records, job_id: str) -> Job:
    """End a job without a result; its agent is left alone.

    Raises:
        UnknownJob: There is no such record.
        ReconcilerError: The job has ended before.
    """
    wanted = Result(Ending.CANCELLED, "cancelled by hand", to_millisecond(records.clock.now()))
    ended = end_job(records, job_id, wanted)
    if ended.result != wanted:
        before = ended.result.ending if ended.result else "without a result"
        raise ReconcilerError(f"job {job_id} has ended before: {before}")
    return ended


def retry_of(records: Records, job_id: str) -> NewJob:
    """A new job that asks the same of the same agent.

    Raises:
        UnknownJob: There is no such record.
        Refused: The job has not ended.
    """
    old = read(records, job_id)
    if not old.ended:
        raise Refused(f"job {job_id} has not ended", fix=f"reconciler job cancel --job {job_id}")
    return NewJob(
        prompt=old.prompt,
        agent=old.agent,
        agent_session=old.agent_session,
        workdir=old.workdir,
        timeout=old.timeout,
        idle_timeout=old.idle_timeout,
        validate=old.validate,
        retry_of=old.id,
        retries=old.retries + 1,
    )
