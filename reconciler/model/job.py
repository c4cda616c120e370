"""A job: what is recorded of it, what its events say, and what follows from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.discreet import Discreet

from .delivery import Delivery, DeliveryVerdict
from .event_kind import EventKind
from .record import Json
from .secrets import without_token

TOKEN_HIDDEN = "[auth_token]"  # noqa: S105 - what stands in its place
TOPIC_PREFIX = "python/mqtt/jobs"
JOB_ID = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_:@-]|\.[0-9]){0,100}")
"""No command takes it for an option, no path for another folder, no topic for a wildcard.

The folder `<id>` of a job lies beside the records, so it never ends as their names do.
"""
AUTH_TOKEN = re.compile(r"[0-9a-f]{64}")


class JobStatus(StrEnum):
    """How far a job is; the last four are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


FINAL_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.ERROR, JobStatus.TIMED_OUT, JobStatus.CANCELLED})

# An agent may begin before its delivery is on record, and a follower that comes late sees nothing but the result.
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.DELIVERED, JobStatus.RUNNING}) | FINAL_STATUSES,
    JobStatus.DELIVERED: frozenset({JobStatus.RUNNING}) | FINAL_STATUSES,
    JobStatus.RUNNING: frozenset({JobStatus.RUNNING}) | FINAL_STATUSES,
    **dict.fromkeys(FINAL_STATUSES, frozenset[JobStatus]()),
}


class Ending(StrEnum):
    """How a job ended."""

    COMPLETED = "completed"
    ERROR = "error"
    TIMEOUT = "timeout"
    IDLE_TIMEOUT = "idle_timeout"
    CANCELLED = "cancelled"

    @property
    def status(self) -> JobStatus:
        """What the record says of a job that ended so."""
        return _STATUS_AFTER[self]


_ENDS_AS = {EventKind.COMPLETED: Ending.COMPLETED, EventKind.ERROR: Ending.ERROR}
_STATUS_AFTER = {
    Ending.COMPLETED: JobStatus.COMPLETED,
    Ending.ERROR: JobStatus.ERROR,
    Ending.TIMEOUT: JobStatus.TIMED_OUT,
    Ending.IDLE_TIMEOUT: JobStatus.TIMED_OUT,
    Ending.CANCELLED: JobStatus.CANCELLED,
}


class DropReason(StrEnum):
    """Why a message does not count; the names are stable."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    FOREIGN_TOPIC = "foreign_topic"
    FORGED = "forged"
    STALE = "stale"
    REPLAYED_ID = "replayed_id"
    REPLAYED_SEQ = "replayed_seq"
    UNVERIFIABLE = "unverifiable"  # its job has no token
    REPEATED = "repeated"  # the kept result once more, as after every reconnect: no attack, and nothing new


class JobEvent(Struct, frozen=True):
    """One thing that a publisher said about a job. `timestamp` is UTC, ISO 8601.

    `seq` grows by one with every event of a `publisher` about this job; `id` is the event's own.
    """

    job_id: str
    event: EventKind
    detail: str
    timestamp: str
    publisher: str
    seq: int
    id: str


class Permission(Struct, frozen=True):
    """What the agent asks to be allowed; `request` is the id of the event that told of it."""

    request: str
    tool: str
    what: str
    at: str


class Result(Struct, frozen=True):
    """What became of a job; `event_id` is empty when no event ended it."""

    ending: Ending
    detail: str
    at: str
    event_id: str = ""


class Job(Discreet, frozen=True):
    """One record. Moments are UTC, ISO 8601; `timeout` and `idle_timeout` are seconds.

    `auth_token` (64 hex digits; any long text in a record of other tools) signs the events; without one, empty, no
    event of the job counts. `broker` is how its publishers reach the broker, in the
    names of `Connection`. `seen` holds the last `seq` of each publisher. `retries` counts the tries
    before this one, the last of which is the job `retry_of`. `validated` is the exit code of its script, once
    that has judged the result.
    """

    id: str
    prompt: str
    agent: str
    agent_session: str
    workdir: str
    timeout: float
    idle_timeout: float
    created_at: str
    updated_at: str
    topic: str
    auth_token: str
    status: JobStatus = JobStatus.PENDING
    validate: str = ""
    permission: Permission | None = None
    broker: Mapping[str, Json] = field(default_factory=dict)
    delivery: Mapping[str, Json] | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    result: Result | None = None
    retry_of: str = ""
    retries: int = 0
    validated: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing can change its status any more."""
        return self.status in FINAL_STATUSES

    def without_token(self, text: str) -> str:
        """The text without the token that signs this job's events: agents repeat what they were told."""
        return without_token(text, self.auth_token, TOKEN_HIDDEN)

    @property
    def refused(self) -> bool:
        """Whether it is known that its prompt did not arrive."""
        verdict = (self.delivery or {}).get("verdict")
        return verdict is not None and not Delivery(DeliveryVerdict(str(verdict))).may_have_arrived


class Accepted(Struct, frozen=True):
    """A genuine event is recorded, by us or by another follower; its job is now as `job`."""

    job: Job
    event: JobEvent


class Ignored(Struct, frozen=True):
    """A genuine event came where the job's status allows no such thing."""

    job: Job
    event: JobEvent


class Dropped(Struct, frozen=True):
    """A message that does not count; `job_id` is empty when it was about no job that is followed."""

    job_id: str
    reason: DropReason


class Ended(Struct, frozen=True):
    """A job has its final status, by whomever."""

    job: Job


class Abandoned(Struct, frozen=True):
    """A job is followed no longer: its record is gone or broken."""

    job_id: str
    reason: str


class ConnectionLost(Struct, frozen=True):
    """The broker is away; the client tries to come back, and time-outs run on."""


class ConnectionBack(Struct, frozen=True):
    """The broker is there again."""


class Resent(Struct, frozen=True):
    """Events that had waited on disk, and kept results, were handed to the broker."""

    count: int


class ResendFailed(Struct, frozen=True):
    """What waits on disk could not be handed over; it is tried again."""

    reason: str


Happening = Accepted | Ignored | Dropped | Ended | Abandoned | ConnectionLost | ConnectionBack | Resent | ResendFailed


def topic_of(job_id: str, prefix: str = TOPIC_PREFIX) -> str:
    """Where the events of a job are published."""
    return f"{prefix}/{job_id}/events"


def was_seen(job: Job, event: JobEvent) -> bool:
    """Whether the record has this event, or a later one of its publisher."""
    return event.seq <= job.seen.get(event.publisher, 0)


def having_seen(job: Job, event: JobEvent) -> Job:
    """The job with the event counted as seen, whatever it says."""
    return replace(job, seen={**job.seen, event.publisher: event.seq})


def after_event(job: Job, event: JobEvent) -> Job | None:
    """The job as the event leaves it; None when its status allows no such thing.

    A request for permission stands until the agent says anything else.
    """
    ending = _ENDS_AS.get(event.event)
    if ending:
        return after_end(job, Result(ending, event.detail, event.timestamp, event.id))
    moved = with_status(job, JobStatus.RUNNING)
    return replace(moved, permission=_permission(event)) if moved else None


def after_end(job: Job, result: Result) -> Job | None:
    """The job as it ended; None when it had ended before."""
    moved = with_status(job, result.ending.status)
    return replace(moved, result=result, permission=None) if moved else None


def with_status(job: Job, status: JobStatus) -> Job | None:
    """The job with another status; None when `TRANSITIONS` does not lead there."""
    return replace(job, status=status) if status in TRANSITIONS[job.status] else None


def _permission(event: JobEvent) -> Permission | None:
    """The seed's form of the detail is TOOL:WHAT."""
    if event.event is not EventKind.PERMISSION_REQUIRED:
        return None
    tool, _colon, what = event.detail.partition(":")
    return Permission(event.id, tool.strip(), what.strip(), event.timestamp)
