"""What happens while a job is handed over and followed, beside what its follower hears (`Happening`)."""

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
    """The job is recorded, and has its id."""

    job_id: str


class FollowedJobs(Struct, frozen=True):
    """These open jobs are worked on or followed from now on; none when the work is over.

    Whoever stops reading the events now leaves them open.
    """

    job_ids: tuple[str, ...]


class HumanInstructed(Struct, frozen=True):
    """The instructions of a job for a human, who has to be shown them."""

    text: str


class DeliveryEnded(Struct, frozen=True):
    """What became of the prompt; without a delivery the job ended before anything was typed."""

    job_id: str
    session: str
    delivery: Delivery | None


class ValidationStarted(Struct, frozen=True):
    """The script of a job that has ended is about to judge it."""

    script: str


class JobReport(Struct, frozen=True):
    """What has become of a job, and the job as published; `unfollowed` is why nothing follows a detached one."""

    row: JobRow
    outcome: JobOutcome
    unfollowed: str = ""


class NoOpenJob(Struct, frozen=True):
    """There is no job to wait for."""


class WaitEnded(Struct, frozen=True):
    """What has become of all that was waited for, and the records that could not be read."""

    reports: tuple[JobReport, ...]
    unreadable: tuple[RecordUnreadable, ...]


FollowEvent: TypeAlias = Happening | BrokerWarning | Diagnostic | FollowedJobs | ValidationStarted
SubmitEvent: TypeAlias = FollowEvent | JobRegistered | HumanInstructed | DeliveryEnded | JobReport
WaitEvent: TypeAlias = FollowEvent | NoOpenJob | WaitEnded


class ListeningStarted(Struct, frozen=True):
    """The follower in the background listens to a broker, HOST:PORT, for the open jobs of a folder."""

    broker: str
    folder: str


class BrokerUnavailable(Struct, frozen=True):
    """The follower in the background cannot reach its broker, and tries again after a pause (seconds)."""

    summary: str
    pause: float


class ConclusionFailed(Struct, frozen=True):
    """A job that has ended could not be finished; the others are followed on."""

    job_id: str
    summary: str


FollowerEvent: TypeAlias = (
    Happening | BrokerWarning | Diagnostic | ListeningStarted | BrokerUnavailable | ConclusionFailed
)
