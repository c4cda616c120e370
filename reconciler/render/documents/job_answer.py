"""`schemas/job-answer.schema.json`: the document of `job answer --json`."""

from __future__ import annotations

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .dialog import DialogDoc


class AnswerDoc(DialogDoc):
    """The permission dialog of the agent of a job, and the answer."""

    format_version: str
    id: str
    """The id of the job."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AnswerDoc, title="reconciler job answer", identifier="job-answer.schema.json")
