"""`schemas/monitor.schema.json`: one line of `monitor --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, WatchProjectDoc
from .monitor_diff import NoticeDoc


class WatchDoc(WatchProjectDoc):
    """One line of `monitor --json`. Readers must ignore types and keys they do not know."""

    type: Literal["version", "drift", "diagnostic"]
    sequence: int
    """The line's number; it grows by one with every line."""
    timestamp: str
    """When the monitor looked: UTC, ISO 8601."""
    tool_version: NotRequired[str]
    format_version: NotRequired[str]
    drift: NotRequired[NoticeDoc]
    diagnostic: NotRequired[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(WatchDoc, title="reconciler monitor", identifier="monitor.schema.json")
