"""`schemas/job-publish.schema.json`: the document of `job publish --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class PublicationDoc(TypedDict):
    """What happened to an event."""

    format_version: str
    id: str
    """The id of the job."""
    event: Literal["started", "progress", "permission_required", "completed", "error"]
    outcome: Literal["published", "queued", "failed"]
    """`queued` means: it waits on disk until a later publish or a follower sends it."""
    reason: str
    """Why it was not published; empty if it was."""
    fix: str
    """What to do; empty if there is nothing to do."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(PublicationDoc, title="reconciler job publish", identifier="job-publish.schema.json")
