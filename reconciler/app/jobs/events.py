"""Events while a job is sent and followed, other than those its follower receives (`Happening`)."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from reconciler.jobs.outcome import JobOutcome
from reconciler.jobs.reading import RecordUnreadable
from reconciler.model.broker import BrokerWarning
from reconciler.model.delivery import Delivery
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.job import Happening
from reconciler.render.documents.jobs import JobRow


class JobRegistered(Struct, frozen=True):
    """The job is recorded and has its id."""

    job_id: str


class JobQueued(Struct, frozen=True):
    """A queue has the job for a host or a pool; it is claimed there."""

    job_id: str
    queue: str


class FollowedJobs(Struct, frozen=True):
    """These open jobs are followed from now on; none when the work is over.

    A caller that stops reading the events now leaves these jobs open.
    """

    job_ids: tuple[str, ...]


class HumanInstructed(Struct, frozen=True):
    """The instructions of a job for a person; show them to the user."""

    text: str


class DeliveryEnded(Struct, frozen=True):
    """The result of sending the prompt; without a delivery, the job ended before anything was typed."""

    job_id: str
    session: str
    delivery: Delivery | None


class ValidationStarted(Struct, frozen=True):
    """The validation script of an ended job starts."""

    script: str


class JobReport(Struct, frozen=True):
    """The result of a job, and the job as published; `unfollowed` is why no process follows a detached job."""

    row: JobRow
    outcome: JobOutcome
    unfollowed: str = ""


class NoOpenJob(Struct, frozen=True):
    """There is no job to wait for."""


class WaitEnded(Struct, frozen=True):
    """The results of all jobs that were waited for, and the records that could not be read."""

    reports: tuple[JobReport, ...]
    unreadable: tuple[RecordUnreadable, ...]


FollowEvent: TypeAlias = Happening | BrokerWarning | Diagnostic | FollowedJobs | ValidationStarted
SubmitEvent: TypeAlias = FollowEvent | JobRegistered | JobQueued | HumanInstructed | DeliveryEnded | JobReport
WaitEvent: TypeAlias = FollowEvent | NoOpenJob | WaitEnded


class ListeningStarted(Struct, frozen=True):
    """The background follower listens to a broker, HOST:PORT, for the open jobs of a folder."""

    broker: str
    folder: str


class BrokerUnavailable(Struct, frozen=True):
    """The background follower cannot reach its broker and tries again after a pause (seconds)."""

    summary: str
    pause: float


class ConclusionFailed(Struct, frozen=True):
    """A job that has ended could not be finished; the other jobs are still followed."""

    job_id: str
    summary: str


FollowerEvent: TypeAlias = (
    Happening | BrokerWarning | Diagnostic | ListeningStarted | BrokerUnavailable | ConclusionFailed
)
