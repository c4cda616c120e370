"""`schemas/status.schema.json`: the document of `status --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import AtDoc, DiagnosticDoc


class HistoryDoc(TypedDict):
    """One entry of an agent's history."""

    at: str
    """UTC, ISO 8601."""
    what: str
    reason: str
    conversation: str
    note: str


class StatusDetail(TypedDict):
    """The details of one agent."""

    workspace: str
    stored: str | None
    """The path of its conversation; null if nothing is stored, or if it cannot be read."""
    resumable: bool | None
    """Null if not known."""
    previous: list[str]
    """The ids of its earlier conversations, newest first."""
    history: list[HistoryDoc]
    """The last entries of its history, oldest first."""


class StatusRow(TypedDict):
    """One agent, as recorded and as it is now."""

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
    """Its activity: idle, busy, waiting, dialog, unknown; empty if it is not alive."""
    conversation: str | None
    pid: int | None
    since: str | None
    """When it was started: UTC, ISO 8601."""
    note: str
    group: Literal["needs_you", "working", "idle", "running", "stopped", "trouble"]
    """The group that it is shown in; `running`: it runs, and nothing shows what it does."""
    shows_state: bool
    """Whether there is a way to see what agents of its type do."""
    state_since: str | None
    """Since when it is in its state, or at rest: UTC, ISO 8601. Null if nothing shows that."""
    waits_for: str | None
    """What it needs from you: `permission`, or the name of a start dialog."""
    detail: NotRequired[StatusDetail]
    """Present only for an agent that was asked for by name."""


class StatusDoc(TypedDict):
    """All agents that are declared or recorded."""

    format_version: str
    tool_version: NotRequired[str]
    """Since 1.3."""
    at: NotRequired[AtDoc]
    """Whose agents they are. Since 1.3."""
    agents: list[StatusRow]
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(StatusDoc, title="reconciler status", identifier="status.schema.json")
