"""`schemas/monitor-news.schema.json`: what `--sink exec` and `--sink webhook` hand over."""

from __future__ import annotations

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import WatchProjectDoc
from .monitor_diff import NoticeDoc


class NewsDoc(WatchProjectDoc):
    """The changes of one pass, for a program or a web service."""

    format_version: str
    tool_version: str
    at: str
    """When the monitor looked: UTC, ISO 8601."""
    agents: int
    """The number of recorded agents."""
    drifts: int
    """The number of drifts now, including those reported before."""
    news: list[NoticeDoc]
    """The new, changed and returned drift; never empty."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(NewsDoc, title="reconciler monitor news", identifier="monitor-news.schema.json")
