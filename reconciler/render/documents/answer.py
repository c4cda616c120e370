"""`schemas/answer.schema.json`: the document of `answer --json`."""

from __future__ import annotations

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .dialog import DialogDoc


class AgentAnswerDoc(DialogDoc):
    """The permission dialog of a running agent, and the answer."""

    format_version: str
    address: str
    session: str
    job: str | None
    """The id of the job that waits for this request; null without one."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AgentAnswerDoc, title="reconciler answer", identifier="answer.schema.json")
