"""The jobs of a project that have not ended, by the session of their agent."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.model.job import Job
from reconciler.monitor.subscribe import JobRecordCache


@dataclass(slots=True)
class OpenJobs:
    """Looks for them again and again; a record is read again only after a change."""

    at: Project
    _records: JobRecordCache = field(init=False)

    def __post_init__(self) -> None:
        self._records = JobRecordCache(records_of(self.at, JOB_RECORDS))

    def by_session(self) -> dict[str, Job]:
        """The newest open job of each session. Raises ReconcilerError if the folder of the jobs cannot be listed."""
        still = sorted((job for job in self._records.jobs() if not job.ended), key=lambda job: job.updated_at)
        return {job.agent_session.removeprefix("tmux:"): job for job in still}
