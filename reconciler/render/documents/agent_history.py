"""`schemas/agent-history.schema.json`: the document of `history NAME --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class AgentHistoryEntry(TypedDict):
    """One thing that was done to the agent."""

    at: str
    """UTC, ISO 8601."""
    address: str
    session: str
    what: str
    """The action, or `failed`."""
    reason: str
    conversation: str
    """Its id; empty if none was known."""
    note: str


class AgentHistoryDoc(TypedDict):
    """The conversations of an agent, and what was done to it."""

    format_version: str
    address: str
    conversations: list[str]
    """Ids, newest first."""
    entries: list[AgentHistoryEntry]
    """Oldest first."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AgentHistoryDoc, title="reconciler history NAME", identifier="agent-history.schema.json")
