"""`schemas/monitor-diff.schema.json`: the document of `monitor --emit-diff`."""

from __future__ import annotations

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, WatchProjectDoc
from .drift import DriftFactsDoc


class NoticeDoc(DriftFactsDoc):
    """A difference that is reported; `count` is how often it was."""

    count: int


class PassDoc(WatchProjectDoc):
    """One pass of the monitor."""

    format_version: str
    at: str
    """UTC, ISO 8601."""
    drifts: list[NoticeDoc]
    """New, changed and returned drift; `count` is how often it was reported."""
    known: list[DriftFactsDoc]
    """Drift that was reported before and is unchanged."""
    in_sync: bool
    """False if something differs, or could not be looked at. Classes C and I do not count."""
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(PassDoc, title="reconciler monitor diff", identifier="monitor-diff.schema.json")
