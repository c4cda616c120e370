"""`schemas/monitor-agent.schema.json`: the retained message of `--sink mqtt`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class AgentObservationDoc(TypedDict):
    """The state of one agent, as in its retained MQTT message."""

    format_version: str
    address: str
    session: str
    type: str
    """The CLI it runs."""
    status: str
    """As recorded: running, stopped, terminated, archived."""
    live: str
    """alive, exited, gone, unknown, foreign."""
    state: str
    """Its activity: idle, busy, waiting, dialog, unknown."""
    conversation: str | None
    at: str
    """Since when the monitor has seen this state: UTC, ISO 8601."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AgentObservationDoc, title="reconciler monitor agent", identifier="monitor-agent.schema.json")
