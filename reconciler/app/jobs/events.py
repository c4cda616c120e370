"""What happens while a job is handed over and followed, beside what its follower hears (`Happening`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.jobs.outcome import JobOutcome
from reconciler.jobs.record import RecordUnreadable
from reconciler.model.broker import BrokerWarning
from reconciler.model.delivery import Delivery
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.job import Happening
from reconciler.render.shape import JobRow


@dataclass(frozen=True, slots=True)
class JobRegistered:
    """The job is recorded, and has its id."""

    job_id: str


@dataclass(frozen=True, slots=True)
class FollowedJobs:
    """These open jobs are worked on or followed from now on; none when the work is over.

    Whoever stops reading the events now leaves them open.
    """

    job_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HumanInstructed:
    """The instructions of a job for a human, who has to be shown them."""

    text: str


@dataclass(frozen=True, slots=True)
class DeliveryEnded:
    """What became of the prompt; without a delivery the job ended before anything was typed."""

    job_id: str
    session: str
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class ValidationStarted:
    """The script of a job that has ended is about to judge it."""

    script: str


@dataclass(frozen=True, slots=True)
class JobReport:
    """What has become of a job, and the job as published; `unfollowed` is why nothing follows a detached one."""

    row: JobRow
    outcome: JobOutcome
    unfollowed: str = ""


@dataclass(frozen=True, slots=True)
class NoOpenJob:
    """There is no job to wait for."""


@dataclass(frozen=True, slots=True)
class WaitEnded:
    """What has become of all that was waited for, and the records that could not be read."""

    reports: tuple[JobReport, ...]
    unreadable: tuple[RecordUnreadable, ...]


FollowEvent: TypeAlias = Happening | BrokerWarning | Diagnostic | FollowedJobs | ValidationStarted
SubmitEvent: TypeAlias = FollowEvent | JobRegistered | HumanInstructed | DeliveryEnded | JobReport
WaitEvent: TypeAlias = FollowEvent | NoOpenJob | WaitEnded


@dataclass(frozen=True, slots=True)
class ListeningStarted:
    """The follower in the background listens to a broker, HOST:PORT, for the open jobs of a folder."""

    broker: str
    folder: str


@dataclass(frozen=True, slots=True)
class BrokerUnavailable:
    """The follower in the background cannot reach its broker, and tries again after a pause (seconds)."""

    summary: str
    pause: float


@dataclass(frozen=True, slots=True)
class ConclusionFailed:
    """A job that has ended could not be finished; the others are followed on."""

    job_id: str
    summary: str


FollowerEvent: TypeAlias = (
    Happening | BrokerWarning | Diagnostic | ListeningStarted | BrokerUnavailable | ConclusionFailed
)
