"""`schemas/status.schema.json`: the document of `status --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, documented


@documented
class HistoryDoc(TypedDict):
    """One thing that was done to an agent."""

    at: str
    """UTC, ISO 8601."""
    what: str
    reason: str
    conversation: str
    note: str


@documented
class StatusDetail(TypedDict):
    """What is told of one agent beyond its line."""

    workspace: str
    stored: str | None
    """Where its conversation is; null while nothing is stored, and where it cannot be looked at."""
    resumable: bool | None
    """Null when it cannot be told."""
    previous: list[str]
    """The ids of its earlier conversations, newest first."""
    history: list[HistoryDoc]
    """The last things that were done to it, oldest first."""


@documented
class StatusRow(TypedDict):
    """One agent, as recorded and as live."""

    address: str
    session: str
    agent: str
    """Its name in the manifest."""
    type: str
    """The CLI it runs."""
    status: str
    """As recorded: running, stopped, terminated, archived; `declared` before its first start."""
    live: Literal["alive", "exited", "gone", "unknown", "foreign"]
    state: str
    """What it does: idle, busy, waiting, dialog, unknown; empty when it is not alive."""
    conversation: str | None
    pid: int | None
    since: str | None
    """When it was started: UTC, ISO 8601."""
    note: str
    detail: NotRequired[StatusDetail]
    """Only of an agent that was asked for by its name."""


@documented
class StatusDoc(TypedDict):
    """All agents that are declared or recorded."""

    format_version: str
    agents: list[StatusRow]
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(StatusDoc, title="reconciler status", identifier="status.schema.json")
