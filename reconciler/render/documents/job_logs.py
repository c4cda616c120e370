"""`schemas/job-logs.schema.json`: the document of `job logs --json`."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented


@documented
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


@documented
class OtherFileDoc(TypedDict):
    """A file of another tool in an audit."""

    path: str
    size: int
    """Bytes."""
    text: str
    """Its content, without secrets."""
    why: str
    """Why its content is not here, or not all of it; else empty."""


@documented
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


@documented
class AuditsDoc(TypedDict):
    """Audits, the oldest job first."""

    format_version: str
    audits: list[AuditDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AuditsDoc, title="reconciler job logs", identifier="job-logs.schema.json")
