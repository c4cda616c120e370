"""`schemas/job-logs.schema.json`: the document of `job logs --json`."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class ChainDoc(TypedDict):
    """How much of an audit is intact."""

    lines: int
    """The number of intact lines, from the first one."""
    foreign: int
    """The number of lines before them from another tool, without digests: whether they were changed is unknown."""
    broken: int
    """The first damaged line, from 1; 0 if all are intact."""
    why: str
    files: dict[str, str]
    """What is wrong with other files in the folder, by file name."""


class OtherFileDoc(TypedDict):
    """A file of another tool in an audit."""

    path: str
    size: int
    """Bytes."""
    text: str
    """Its content with secrets hidden."""
    why: str
    """Why its content, or a part of it, is missing here; else empty."""


class AuditDoc(TypedDict):
    """The audit of one job."""

    id: str
    """The id of the job."""
    folder: str
    entries: NotRequired[list[dict[str, Any]]]
    """The lines of `events.jsonl`: `at`, `status`, `what`, `prev` and more keys for each `what`. Other tools differ."""
    files: NotRequired[list[OtherFileDoc]]
    """Files of other tools in the folder."""
    chain: NotRequired[ChainDoc]
    """The result of `--verify`."""


class AuditsDoc(TypedDict):
    """Audits, oldest job first."""

    format_version: str
    audits: list[AuditDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AuditsDoc, title="reconciler job logs", identifier="job-logs.schema.json")
