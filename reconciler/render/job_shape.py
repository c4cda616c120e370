"""The documents that the job commands print beside the jobs themselves, as types; `schemas/` is generated from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .shape import ValidationDoc, _documented


@_documented
class DryRunDoc(TypedDict):
    """What an agent would be told; nothing was made."""

    format_version: str
    agent: str
    agent_session: str
    """tmux:SESSION; empty for a human."""
    instructions: str
    """They name the job `dry-run`."""
    audit: str
    """Where the audit folder would be."""


@_documented
class VerdictDoc(TypedDict):
    """What a script said of a job."""

    format_version: str
    id: str
    script: str
    validation: ValidationDoc


@_documented
class PublicationDoc(TypedDict):
    """What became of an event."""

    format_version: str
    id: str
    """Of the job."""
    event: Literal["started", "progress", "permission_required", "completed", "error"]
    outcome: Literal["published", "queued", "failed"]
    """`queued`: it waits on disk, and a later publish or a follower sends it."""
    reason: str
    """Why it was not published; else empty."""
    fix: str
    """What to do; empty when there is nothing to do."""


@_documented
class AnswerDoc(TypedDict):
    """A dialog that somebody was shown under the name of a request."""

    format_version: str
    id: str
    """Of the job."""
    request: str
    question: str
    lines: list[str]
    """The whole dialog, without decoration."""
    digest: str
    """SHA-256 of the lines."""
    at: str
    """When it was shown first: UTC, ISO 8601."""
    answer: Literal["approve", "deny"] | None
    """Null when it was only shown."""


@_documented
class HooksDoc(TypedDict):
    """What became of the hooks in a CLI's settings."""

    format_version: str
    cli: str
    path: str
    """The settings."""
    changed: bool
    """False when they were so already."""
    notice: str
    """What the user has to do; empty for nothing."""


@_documented
class ChainDoc(TypedDict):
    """How far an audit holds."""

    lines: int
    """How many are good, from the first on."""
    foreign: int
    """How many lines before them another tool wrote; no digest says whether they were changed."""
    broken: int
    """The first one that is not, from 1; 0 when all are good."""
    why: str
    files: dict[str, str]
    """What is wrong with other files of the folder, by their names."""


@_documented
class OtherFileDoc(TypedDict):
    """A file of another tool in an audit."""

    path: str
    size: int
    """Bytes."""
    text: str
    """Its content, without secrets."""
    why: str
    """Why its content is not here, or not all of it; else empty."""


@_documented
class AuditDoc(TypedDict):
    """The audit of one job."""

    id: str
    """Of the job."""
    folder: str
    entries: NotRequired[list[dict[str, Any]]]
    """The lines of `events.jsonl`: `at`, `status`, `what`, `prev`, and what belongs to it. Other tools write others."""
    files: NotRequired[list[OtherFileDoc]]
    """What other tools have put there."""
    chain: NotRequired[ChainDoc]
    """From `--verify`."""


@_documented
class AuditsDoc(TypedDict):
    """Audits, the oldest job first."""

    format_version: str
    audits: list[AuditDoc]


def job_dry_run_schema() -> dict[str, Json]:
    """`schemas/job-dry-run.schema.json`: the document of `job submit --dry-run --json`."""
    return json_schema(DryRunDoc, title="reconciler job submit --dry-run", identifier="job-dry-run.schema.json")


def job_verify_schema() -> dict[str, Json]:
    """`schemas/job-verify.schema.json`: the document of `job verify --json`."""
    return json_schema(VerdictDoc, title="reconciler job verify", identifier="job-verify.schema.json")


def job_publish_schema() -> dict[str, Json]:
    """`schemas/job-publish.schema.json`: the document of `job publish --json`."""
    return json_schema(PublicationDoc, title="reconciler job publish", identifier="job-publish.schema.json")


def job_answer_schema() -> dict[str, Json]:
    """`schemas/job-answer.schema.json`: the document of `job answer --json`."""
    return json_schema(AnswerDoc, title="reconciler job answer", identifier="job-answer.schema.json")


def job_hooks_schema() -> dict[str, Json]:
    """`schemas/job-hooks.schema.json`: the document of `job hooks install --json` and `job hooks uninstall --json`."""
    return json_schema(HooksDoc, title="reconciler job hooks", identifier="job-hooks.schema.json")


def job_logs_schema() -> dict[str, Json]:
    """`schemas/job-logs.schema.json`: the document of `job logs --json`."""
    return json_schema(AuditsDoc, title="reconciler job logs", identifier="job-logs.schema.json")
