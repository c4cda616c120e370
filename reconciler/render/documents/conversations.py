"""`schemas/conversations.schema.json`: the document of `conversations --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc


class ConversationRow(TypedDict):
    """One conversation that an agent CLI has stored."""

    id: str
    workspace: str
    agent: str
    """The CLI that stored it."""
    started: str | None
    """When it began: UTC, ISO 8601; null if the CLI does not store it."""
    last_used: str | None
    """When it last changed: UTC, ISO 8601; null if the CLI stores it in a database."""
    size: int | None
    """Bytes; null if the CLI stores it in a database."""
    bound: list[str]
    """The sessions that use it, or used it before."""
    path: str


class ConversationsDoc(TypedDict):
    """Every conversation on disk for the workspaces, newest first."""

    format_version: str
    conversations: list[ConversationRow]
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ConversationsDoc, title="reconciler conversations", identifier="conversations.schema.json")
