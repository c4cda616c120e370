"""`schemas/monitor-news.schema.json`: what `--sink exec` and `--sink webhook` hand over."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented
from .monitor_diff import NoticeDoc


@documented
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


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(NewsDoc, title="reconciler monitor news", identifier="monitor-news.schema.json")
