"""What a runner works with, what it has to do, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from reconciler.app.agents.look import ProjectView, declared, look
from reconciler.app.project.project import Project
from reconciler.jobs.follow import Follower
from reconciler.jobs.guard import Guard
from reconciler.jobs.permission_watcher import PermissionWatcher
from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import Records, UnknownJob, read
from reconciler.jobs.transitions import end_job
from reconciler.model.job import Ending, Job, Result
from reconciler.model.moment import to_millisecond
from reconciler.monitor.subscribe import JobRecordCache
from reconciler.ports.queue import Claim, JobQueue
from reconciler.ports.world import World


class NewsKind(StrEnum):
    """What a runner says."""

    STARTED = "started"
    TAKEN = "taken"
    WAITING = "waiting"
    DELIVERED = "delivered"
    ENDED = "ended"
    DEAD_LETTER = "dead_letter"
    DROPPED = "dropped"
    CANCELLED = "cancelled"
    GUARDED = "guarded"
    PROBLEM = "problem"
    QUEUE_AWAY = "queue_away"
    QUEUE_BACK = "queue_back"
    STOPPED = "stopped"


class RunnerNews(Struct, frozen=True):
    """One thing that happened; `job_id` is empty if it is not about one job."""

    what: NewsKind
    job_id: str = ""
    detail: str = ""


@dataclass(slots=True)
class RunnerTask:
    """A job that this host does. Times are of the monotonic clock."""

    job_id: str
    claim: Claim
    pool: str = ""
    attempts: int = 0
    next_attempt: float = 0.0
    next_heartbeat: float = 0.0
    is_followed: bool = False


@dataclass(slots=True)
class RunnerContext:
    """The project, the queue and everything that a runner remembers between two rounds."""

    at: Project
    records: Records
    here: str
    """The name of this host."""
    pools: tuple[str, ...]
    queue: JobQueue
    follower: Follower
    watcher: PermissionWatcher
    cache: JobRecordCache
    tasks: dict[str, RunnerTask] = field(default_factory=dict)
    guards: dict[str, Guard] = field(default_factory=dict)
    next_look: float = 0.0
    """When to look for idle agents again."""
    dropped: int = 0
    """How many messages could not be used."""

    def taken(self) -> Iterator[tuple[RunnerTask, Job]]:
        """Each task with its record. A record that was deleted or damaged ends its task: nothing is known any more."""
        for task in list(self.tasks.values()):
            try:
                yield task, read(self.records, task.job_id)
            except (UnknownJob, RecordUnreadable):
                del self.tasks[task.job_id]

    def look(self) -> ProjectView:
        """The agents as they are now."""
        return look(self.at, everyone=False)

    def world(self) -> World:
        """All ports, with the tmux server that the agents run on."""
        return self.at.world(declared(self.at).socket)

    def now(self) -> float:
        """The monotonic clock."""
        return self.at.clock.monotonic()

    def open_sessions(self, apart_from: str = "") -> set[str]:
        """The sessions whose agents have an open job, as records name them: one job an agent."""
        return {job.agent_session for job in self.cache.jobs() if not job.ended and job.id != apart_from} - {""}

    def end(self, job_id: str, ending: Ending, why: str) -> Job:
        """End a job. Its own end, if it has one already, stays."""
        return end_job(self.records, job_id, Result(ending, why, to_millisecond(self.records.clock.now())))
