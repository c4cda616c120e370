"""The documents that the monitor tells, as types; `schemas/` is generated from them."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .shape import DiagnosticDoc, NoticeDoc, _documented


@_documented
class NewsDoc(TypedDict):
    """What a program or a web service is told of one pass."""

    format_version: str
    tool_version: str
    at: str
    """When the monitor looked: UTC, ISO 8601."""
    agents: int
    """How many are recorded."""
    drifts: int
    """How many there are now, those that were told before included."""
    news: list[NoticeDoc]
    """Never empty."""


@_documented
class AgentObservationDoc(TypedDict):
    """How one agent is, as its retained MQTT message says it."""

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
    """What it does: idle, busy, waiting, dialog, unknown."""
    conversation: str | None
    at: str
    """Since when it is so, as far as the monitor saw: UTC, ISO 8601."""


@_documented
class WatchDoc(TypedDict):
    """One line of `monitor --json`. Readers must ignore types and keys they do not know."""

    type: Literal["version", "drift", "diagnostic"]
    sequence: int
    """Grows by one with every line."""
    timestamp: str
    """When the monitor looked: UTC, ISO 8601."""
    tool_version: NotRequired[str]
    format_version: NotRequired[str]
    drift: NotRequired[NoticeDoc]
    diagnostic: NotRequired[DiagnosticDoc]


def news_schema() -> dict[str, Json]:
    """`schemas/monitor-news.schema.json`: what `--sink exec` and `--sink webhook` hand over."""
    return json_schema(NewsDoc, title="reconciler monitor news", identifier="monitor-news.schema.json")


def sight_schema() -> dict[str, Json]:
    """`schemas/monitor-agent.schema.json`: the retained message of `--sink mqtt`."""
    return json_schema(AgentObservationDoc, title="reconciler monitor agent", identifier="monitor-agent.schema.json")


def watch_schema() -> dict[str, Json]:
    """`schemas/monitor.schema.json`: one line of `monitor --json`."""
    return json_schema(WatchDoc, title="reconciler monitor", identifier="monitor.schema.json")
