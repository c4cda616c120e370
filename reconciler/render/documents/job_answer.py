"""`schemas/job-answer.schema.json`: the document of `job answer --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented


@documented
class AnswerDoc(TypedDict):
    """A permission dialog as it was shown to the user, under the name of its request."""

    format_version: str
    id: str
    """The id of the job."""
    request: str
    question: str
    lines: list[str]
    """The whole dialog, without frames."""
    digest: str
    """SHA-256 of the lines."""
    at: str
    """When it was first shown: UTC, ISO 8601."""
    answer: Literal["approve", "deny"] | None
    """Null if the dialog was only shown."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AnswerDoc, title="reconciler job answer", identifier="job-answer.schema.json")
