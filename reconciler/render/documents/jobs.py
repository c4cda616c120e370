"""`schemas/jobs.schema.json`: the document of `job list --json` and `job wait --json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, documented


class PermissionDoc(TypedDict):
    """What an agent asks to be allowed."""

    request: str
    """Names it for `job answer`."""
    tool: str
    what: str
    at: str
    """UTC, ISO 8601."""


@documented
class ResultDoc(TypedDict):
    """What became of a job."""

    ending: Literal["completed", "error", "timeout", "idle_timeout", "cancelled"]
    detail: str
    at: str
    """UTC, ISO 8601."""


@documented
class ValidationDoc(TypedDict):
    """What the validation script said."""

    passed: bool
    exit_code: int
    output: str


@documented
class JobRow(TypedDict):
    """One job: its record without the token and the broker's settings."""

    id: str
    """Sorts by the time it was made."""
    status: Literal["pending", "delivered", "running", "completed", "error", "timed_out", "cancelled"]
    agent: str
    agent_session: str
    """tmux:SESSION; empty for a human."""
    workdir: str
    prompt: str
    timeout: float
    """Seconds."""
    idle_timeout: float
    """Seconds."""
    validate: str
    """The validation script; empty without one."""
    created_at: str
    """UTC, ISO 8601."""
    updated_at: str
    """UTC, ISO 8601."""
    topic: str
    permission: PermissionDoc | None
    """What the agent waits for; null when it waits for nothing."""
    delivery: dict[str, Any] | None
    """The verdict, its evidence, and how it came about; null before."""
    result: ResultDoc | None
    """Null while it is open."""
    retry_of: str
    """The job that this one tries again; empty without one."""
    retries: int
    audit: str
    """The audit folder."""
    validation: NotRequired[ValidationDoc]
    """What its script found, once that has judged the result."""


@documented
class JobsDoc(TypedDict):
    """Jobs, the oldest first."""

    format_version: str
    jobs: list[JobRow]
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(JobsDoc, title="reconciler jobs", identifier="jobs.schema.json")
