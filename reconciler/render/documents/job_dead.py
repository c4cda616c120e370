"""`schemas/job-dead.schema.json`: the document of `job dead list --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class DeadLetterDoc(TypedDict):
    """A job of another host that nobody will do."""

    id: str
    """The id of the job."""
    to_host: str
    """The host that it was for; empty if it was for a pool."""
    to_pool: str
    why: str
    host: str
    """The host that gave it up."""
    at: str
    """UTC, ISO 8601."""
    origin: str
    """The host that submitted it; empty if the letter cannot be read, as all that follows."""
    agent: str
    prompt: str


class DeadLettersDoc(TypedDict):
    """All dead letters, the oldest first."""

    format_version: str
    letters: list[DeadLetterDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DeadLettersDoc, title="reconciler dead letters", identifier="job-dead.schema.json")
