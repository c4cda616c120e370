"""The shape of a job record, as `schemas/job.schema.json` publishes it.

Other tools may add keys of their own. Only `schema print` imports this; checks use the published file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from reconciler.model.job import AUTH_TOKEN, JOB_ID
from reconciler.model.record import Json
from reconciler.model.schema import Pattern, json_schema

_OPEN = {"extra": "allow"}
_CLOSED = {"extra": "forbid"}

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Moment = Annotated[str, Pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")]


class RecordedPermissionDoc(TypedDict):
    """What the agent asks to be allowed."""

    __pydantic_config__ = _CLOSED | {"title": "PermissionDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    request: str
    """Id of the event that reported the request; `job answer` takes it."""
    tool: str
    what: str
    at: str
    """UTC, ISO 8601."""


class RecordedResultDoc(TypedDict):
    """How the job ended."""

    __pydantic_config__ = _CLOSED | {"title": "ResultDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    ending: Literal["completed", "error", "timeout", "idle_timeout", "cancelled"]
    detail: str
    at: str
    """UTC, ISO 8601."""
    event_id: str
    """Id of the event that ended the job; empty when no event did."""


class JobDoc(TypedDict):
    """One delegated job."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    id: Annotated[str, Pattern(JOB_ID.pattern)]
    """Also the name of the file. The ids that reconciler makes sort by creation time."""
    prompt: str
    agent: str
    agent_session: str
    """Where the prompt is delivered: tmux:SESSION."""
    workdir: str
    timeout: Seconds
    """Seconds from `created_at` until the job times out."""
    idle_timeout: Seconds
    """Seconds without any sign of life until the job times out."""
    validate: str
    """A script that checks the result; empty without one."""
    created_at: Moment
    updated_at: Moment
    status: Literal["pending", "delivered", "running", "completed", "error", "timed_out", "cancelled"]
    permission: RecordedPermissionDoc | None
    """The permission that the agent waits for; null when it waits for none."""
    auth_token: Annotated[str, Pattern(AUTH_TOKEN.pattern)]
    """The key that signs the events: a secret."""
    broker: dict[str, Any]
    """How publishers reach the broker: host, port, tls, username, ca_certs, certfile, keyfile, client_id_prefix, and
    password_file or password_env. A password is read, too, and never written here by us. Or `local: true`: events go
    through files beside the record."""
    topic: Annotated[str, Pattern(r"[^#+\x00]{1,512}")]
    """Where the events are published."""
    delivery: dict[str, Any] | None
    """The result of the delivery; null before it."""
    seen: dict[str, Count]
    """The last recorded `seq` of each publisher."""
    result: RecordedResultDoc | None
    """Null while the job is open."""
    retry_of: str
    """The job that this one repeats; empty when it is the first try."""
    retries: Count
    """How many tries came before this one."""
    validated: int | None
    """The exit code of the `validate` script; null until it has run."""
    queue: NotRequired[str]
    """The queue that it went through to another host: a pool, or host-NAME; empty when this host alone does it."""
    origin: NotRequired[str]
    """The host that submitted it, if this host does it for that one; else empty."""
    host: NotRequired[str]
    """The host that claimed it from a queue; empty until then."""


def job_schema() -> dict[str, Json]:
    """Return `schemas/job.schema.json`, which describes a job record as reconciler writes it."""
    return json_schema(JobDoc, title="reconciler job", identifier="job.schema.json")
