"""`schemas/answer.schema.json`: the document of `answer --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented


@documented
class AgentAnswerDoc(TypedDict):
    """The permission dialog of an agent, as somebody was shown it under the name of a request."""

    format_version: str
    address: str
    session: str
    job: str | None
    """Id of the job that waits with this request; null without one."""
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


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AgentAnswerDoc, title="reconciler answer", identifier="answer.schema.json")
