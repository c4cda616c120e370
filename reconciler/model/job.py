"""A job: its record, its events, and how an event changes the record. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.redacted import Redacted

from .delivery import Delivery, DeliveryVerdict
from .event_kind import EventKind
from .record import Json
from .secrets import without_token

TOKEN_HIDDEN = "[auth_token]"  # noqa: S105 - the text that replaces a token
TOPIC_PREFIX = "python/mqtt/jobs"
JOB_ID = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_:@-]|\.[0-9]){0,100}")
"""An id that is never mistaken for an option in a command, another folder in a path, or a wildcard in a topic.

The folder `<id>` of a job is beside the records `<id>.json`, so an id cannot end in `.json`.
"""
AUTH_TOKEN = re.compile(r"[0-9a-f]{64}")


class JobStatus(StrEnum):
    """How far a job is. The last four are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


FINAL_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.ERROR, JobStatus.TIMED_OUT, JobStatus.CANCELLED})

# An agent may begin before its delivery is recorded, and a follower that starts late sees only the result.
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
        """The status of a job that ended like this."""
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
    """Why a message does not count. The names are stable."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    FOREIGN_TOPIC = "foreign_topic"
    FORGED = "forged"
    STALE = "stale"
    REPLAYED_ID = "replayed_id"
    REPLAYED_SEQ = "replayed_seq"
    UNVERIFIABLE = "unverifiable"  # its job has no token
    REPEATED = "repeated"  # the retained result again, as after every reconnect; not an attack


class JobEvent(Struct, frozen=True, omit_defaults=True):
    """One event that a publisher sent about a job. `timestamp` is UTC, ISO 8601.

    `seq` grows by one with every event that this `publisher` sends about this job. `id` is the id of the event.
    Only a host that did the job for another one says more than that in its last event.
    """

    job_id: str
    event: EventKind
    detail: str
    timestamp: str
    publisher: str
    seq: int
    id: str
    ending: Ending | None = None
    """How it ended there, if that is more than `event` says."""
    delivery: DeliveryVerdict | None = None
    """What became of its prompt there."""
    validated: int | None = None
    """The exit code of its validation script there."""


class Permission(Struct, frozen=True):
    """A permission that the agent asks for. `request` is the id of the event with the question."""

    request: str
    tool: str
    what: str
    at: str


class Result(Struct, frozen=True):
    """How a job ended. `event_id` is empty when no event ended it."""

    ending: Ending
    detail: str
    at: str
    event_id: str = ""


class Job(Redacted, frozen=True):
    """One record. Times are UTC, ISO 8601; `timeout` and `idle_timeout` are seconds."""

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
    """Signs the events: 64 hex digits, or any long text in a record of another tool. If empty, no event counts."""
    status: JobStatus = JobStatus.PENDING
    validate: str = ""
    """The script that checks the result."""
    permission: Permission | None = None
    broker: Mapping[str, Json] = field(default_factory=dict)
    """How its publishers connect to the broker, with the field names of `Connection`."""
    delivery: Mapping[str, Json] | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    """The last `seq` of each publisher."""
    result: Result | None = None
    retry_of: str = ""
    """The id of the job that this one retries."""
    retries: int = 0
    """How many tries there were before this one."""
    validated: int | None = None
    """The exit code of the `validate` script, once it has run."""
    queue: str = ""
    """The queue that it went through to another host: that of a pool, or `host-NAME`. Empty for a job of one host."""
    origin: str = ""
    """In the record of the host that does a queued job: the host that submitted it."""
    host: str = ""
    """The host that claimed it from a queue; empty until then."""

    @property
    def is_sent_away(self) -> bool:
        """Whether another host does it, or will."""
        return bool(self.queue) and not self.origin

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status in FINAL_STATUSES

    def without_token(self, text: str) -> str:
        """The text without the token that signs this job's events. Agents repeat text that they were given."""
        return without_token(text, self.auth_token, TOKEN_HIDDEN)

    @property
    def refused(self) -> bool:
        """Whether it is certain that its prompt did not arrive."""
        verdict = (self.delivery or {}).get("verdict")
        return verdict is not None and not Delivery(DeliveryVerdict(str(verdict))).may_have_arrived


class Accepted(Struct, frozen=True):
    """A genuine event was recorded, by this follower or by another one. `job` is the job after it."""

    job: Job
    event: JobEvent


class Ignored(Struct, frozen=True):
    """A genuine event came, but the job's status does not allow it."""

    job: Job
    event: JobEvent


class Dropped(Struct, frozen=True):
    """A message that does not count. `job_id` is empty when the message was not about a followed job."""

    job_id: str
    reason: DropReason


class Ended(Struct, frozen=True):
    """A job has its final status."""

    job: Job


class Abandoned(Struct, frozen=True):
    """A job is no longer followed, because its record is missing or broken."""

    job_id: str
    reason: str


class ConnectionLost(Struct, frozen=True):
    """The connection to the broker is lost. The client reconnects; timeouts keep running."""


class ConnectionBack(Struct, frozen=True):
    """The client has reconnected to the broker."""


class Resent(Struct, frozen=True):
    """Events that waited on disk, and retained results, were sent to the broker."""

    count: int


class ResendFailed(Struct, frozen=True):
    """Events that wait on disk could not be sent. They will be retried."""

    reason: str


Happening = Accepted | Ignored | Dropped | Ended | Abandoned | ConnectionLost | ConnectionBack | Resent | ResendFailed


def topic_of(job_id: str, prefix: str = TOPIC_PREFIX) -> str:
    """The topic to which the events of a job are published."""
    return f"{prefix}/{job_id}/events"


def has_event(job: Job, event: JobEvent) -> bool:
    """Whether the record already has this event, or a later one of the same publisher."""
    return event.seq <= job.seen.get(event.publisher, 0)


def with_event_seen(job: Job, event: JobEvent) -> Job:
    """The job with the event counted as seen. Its status stays."""
    return replace(job, seen={**job.seen, event.publisher: event.seq})


def after_event(job: Job, event: JobEvent) -> Job | None:
    """The job after the event; None when its status does not allow the event.

    A request for permission stays open until the next event of the agent.
    """
    ending = _ENDS_AS.get(event.event)
    if ending and job.is_sent_away:
        told = after_end(job, Result(event.ending or ending, event.detail, event.timestamp, event.id))
        return replace(told, delivery=_delivery_there(job, event), validated=event.validated) if told else None
    if ending:
        return after_end(job, Result(ending, event.detail, event.timestamp, event.id))
    if event.event is EventKind.CLAIMED:
        return None if job.ended else replace(job, host=event.detail)
    moved = with_status(job, JobStatus.RUNNING)
    return replace(moved, permission=_permission(event)) if moved else None


def _delivery_there(job: Job, event: JobEvent) -> Mapping[str, Json] | None:
    return {"verdict": event.delivery.value} if event.delivery else job.delivery


def after_end(job: Job, result: Result) -> Job | None:
    """The job with its result; None when it had ended before."""
    moved = with_status(job, result.ending.status)
    return replace(moved, result=result, permission=None) if moved else None


def with_status(job: Job, status: JobStatus) -> Job | None:
    """The job with another status; None when `TRANSITIONS` does not allow it."""
    return replace(job, status=status) if status in TRANSITIONS[job.status] else None


def _permission(event: JobEvent) -> Permission | None:
    """The permission that the event asks for. Its detail has the form TOOL:WHAT."""
    if event.event is not EventKind.PERMISSION_REQUIRED:
        return None
    tool, _colon, what = event.detail.partition(":")
    return Permission(event.id, tool.strip(), what.strip(), event.timestamp)
