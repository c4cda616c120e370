"""`schemas/job-dry-run.schema.json`: the document of `job submit --dry-run --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented


@documented
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


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DryRunDoc, title="reconciler job submit --dry-run", identifier="job-dry-run.schema.json")
