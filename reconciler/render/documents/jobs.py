"""`schemas/jobs.schema.json`: the document of `job list --json` and `job wait --json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc


class PermissionDoc(TypedDict):
    """What an agent asks to be allowed."""

    request: str
    """The name of the request, for `job answer`."""
    tool: str
    what: str
    at: str
    """UTC, ISO 8601."""


class ResultDoc(TypedDict):
    """The result of a job."""

    ending: Literal["completed", "error", "timeout", "idle_timeout", "cancelled"]
    detail: str
    at: str
    """UTC, ISO 8601."""


class ValidationDoc(TypedDict):
    """The result of the validation script."""

    passed: bool
    exit_code: int
    output: str


class JobRow(TypedDict):
    """One job: its record without its token and the broker's settings."""

    id: str
    """Ids sort by the time the job was made."""
    status: Literal["pending", "delivered", "running", "completed", "error", "timed_out", "cancelled"]
    agent: str
    agent_session: str
    """tmux:SESSION; empty if a person does the job."""
    workdir: str
    prompt: str
    timeout: float
    """Seconds."""
    idle_timeout: float
    """Seconds."""
    validate: str
    """The validation script; empty if there is none."""
    created_at: str
    """UTC, ISO 8601."""
    updated_at: str
    """UTC, ISO 8601."""
    topic: str
    permission: PermissionDoc | None
    """The permission that the agent waits for; null if it waits for none."""
    delivery: dict[str, Any] | None
    """The verdict about the delivery, its evidence, and the attempts; null before the delivery."""
    result: ResultDoc | None
    """Null while the job is open."""
    retry_of: str
    """The job that this one retries; empty if it is not a retry."""
    retries: int
    queue: str
    """The queue to another host that it went through: a pool, or host-NAME; empty for a job of this host alone."""
    origin: str
    """The host that submitted it, if this host does it for that one; else empty."""
    host: str
    """The host that claimed it from the queue; empty until then."""
    audit: str
    """The audit folder."""
    validation: NotRequired[ValidationDoc]
    """The result of its validation script; absent until that has run."""


class JobsDoc(TypedDict):
    """Jobs, oldest first."""

    format_version: str
    jobs: list[JobRow]
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(JobsDoc, title="reconciler jobs", identifier="jobs.schema.json")
