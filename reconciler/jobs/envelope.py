"""What travels to the host that shall do a job, and the wish to cancel it there. Pure.

Both are signed with the token of the job, as its events are, which shows that they are whole. Who may put something
into a queue is decided by the login there.
"""

from __future__ import annotations

import json

import msgspec

from reconciler.model.destination import host_name
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.host_topics import cancel
from reconciler.model.job import AUTH_TOKEN, JOB_ID, Job
from reconciler.model.moment import parse_zoned
from reconciler.model.redacted import Redacted
from reconciler.ports.bus import LARGEST_PAYLOAD

from .sign import is_genuine, object_in, sealed

_VERSION = "1.0"
_TOPIC_END = "/events"
_LONGEST = 1e9  # seconds: 32 years


class BrokenEnvelope(ReconcilerError):
    """It cannot be used; the summary says why, and never what is in it."""


class JobOrder(Redacted, frozen=True):
    """The job as it was submitted; the names are those of `Job`."""

    id: str
    prompt: str
    agent: str
    timeout: float
    idle_timeout: float
    created_at: str
    topic: str
    auth_token: str
    validate: str = ""
    """A script, relative to the folder that the agent works in."""
    retry_of: str = ""
    retries: int = 0


class Envelope(Redacted, frozen=True):
    """A job on its way to another host."""

    origin: str
    """The host that submitted it."""
    job: JobOrder
    workdir: str = ""
    """The name of a workspace there; empty for that of the agent."""
    format_version: str = _VERSION


def envelope_of(job: Job, origin: str, workdir: str, validate: str) -> Envelope:
    """The envelope of a job that another host shall do."""
    known = {name: getattr(job, name) for name in JobOrder.__struct_fields__ if name != "validate"}
    return Envelope(origin, JobOrder(**known, validate=validate), workdir)


def packed(envelope: Envelope) -> bytes:
    """The signed bytes. Raises UsageError if they are more than a message may have."""
    body = json.dumps(msgspec.to_builtins(envelope), separators=(",", ":")).encode()
    whole = sealed(body, envelope.job.auth_token)
    if len(whole) > LARGEST_PAYLOAD:
        detail = f"with all that travels with it, it has {len(whole)} bytes; the limit is {LARGEST_PAYLOAD}"
        fix = "put the text into a file that the other host has, and name the file in the prompt"
        raise UsageError("the prompt is too long for another host", detail=detail, fix=fix)
    return whole


def unpacked(payload: bytes, job_id: str) -> Envelope:
    """The envelope that was queued for the job `job_id`.

    Raises:
        BrokenEnvelope: It is too large, damaged, not signed, about another job, or of another major version.
    """
    if len(payload) > LARGEST_PAYLOAD:
        raise BrokenEnvelope(f"it has {len(payload)} bytes; the limit is {LARGEST_PAYLOAD}")
    content = object_in(payload)
    if content is None:
        raise BrokenEnvelope("it is not a JSON object")
    version = content.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != _VERSION.partition(".")[0]:
        raise BrokenEnvelope(f"its format is not version {_VERSION.partition('.')[0]}", fix="update this program")
    try:
        envelope = msgspec.convert(content, Envelope)
    except msgspec.ValidationError as error:
        raise BrokenEnvelope("it is damaged", detail=str(error)) from error
    _expect_sound(envelope, payload, job_id)
    return envelope


def _expect_sound(envelope: Envelope, payload: bytes, job_id: str) -> None:
    order = envelope.job
    if order.id != job_id or not JOB_ID.fullmatch(order.id):
        raise BrokenEnvelope("it is about another job")
    if not AUTH_TOKEN.fullmatch(order.auth_token) or not is_genuine(payload, order.auth_token):
        raise BrokenEnvelope("it is not signed, or not as a whole")
    if not order.topic.endswith(f"/{order.id}{_TOPIC_END}") or set(order.topic) & set("+#\0"):
        raise BrokenEnvelope("its topic is not one of this job")
    if not order.prompt.strip() or not all(0 < each < _LONGEST for each in (order.timeout, order.idle_timeout)):
        raise BrokenEnvelope("it has no prompt, or no time for it")
    try:
        host_name(envelope.origin)
        parse_zoned(order.created_at)
    except (UsageError, ValueError, OverflowError) as error:
        raise BrokenEnvelope("it does not say by whom and when it was sent") from error


# --- the wish to cancel -----------------------------------------------------------------------


def cancel_topic(job: Job, host: str) -> str:
    """Where the host hears that a job shall be cancelled."""
    return cancel(prefix_of(job.topic), host, job.id)


def prefix_of(topic: str) -> str:
    """What comes before `/ID/events`."""
    return topic.removesuffix(_TOPIC_END).rpartition("/")[0]


def cancel_wish(job: Job, at: str) -> bytes:
    """The signed wish; `at` is UTC, ISO 8601."""
    return sealed(json.dumps({"job_id": job.id, "wish": "cancel", "at": at}).encode(), job.auth_token)


def is_cancel_wish(payload: bytes, job: Job) -> bool:
    """Whether this is the wish of the one who submitted the job."""
    content = object_in(payload)
    return (
        content is not None
        and (content.get("job_id"), content.get("wish")) == (job.id, "cancel")
        and is_genuine(payload, job.auth_token)
    )
