"""Delete the records of jobs that ended long ago; their audit folders stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from reconciler.model.job import Job
from reconciler.model.moment import parse_zoned

from .record import Records, home_of, path_of


def prunable(jobs: Iterable[Job], age: timedelta, now: datetime) -> list[Job]:
    """The jobs that ended longer ago than `age`. Pure."""
    return [job for job in jobs if job.ended and now - parse_zoned(job.updated_at) > age]


def forget(records: Records, job: Job) -> None:
    """Delete a job's record and folder. Raises ReconcilerError when they cannot be deleted."""
    records.files.delete(path_of(records, job.id), records.folder)
    records.files.delete(home_of(records, job.id), records.folder)
