"""`schemas/job-dry-run.schema.json`: the document of `job submit --dry-run --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class DryRunDoc(TypedDict):
    """The instructions that an agent would get; nothing was created or sent."""

    format_version: str
    agent: str
    agent_session: str
    """tmux:SESSION; empty if a person does the job."""
    instructions: str
    """The text that the agent would get; the job's id in it is `dry-run`."""
    audit: str
    """Where the audit folder would be."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DryRunDoc, title="reconciler job submit --dry-run", identifier="job-dry-run.schema.json")
