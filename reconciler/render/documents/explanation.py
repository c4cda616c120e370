"""`schemas/explanation.schema.json`: the document of `explain --json`."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import ResourceChangeDoc
from .common import DiagnosticDoc, documented
from .drift import DriftDoc


@documented
class SourceDoc(TypedDict):
    """What one source says of an address."""

    file: str
    """Where it stands; empty for what is live."""
    line: int
    column: int
    facts: dict[str, Any]
    """By name: text, numbers, lists. A variable is named, its value is not there."""


@documented
class ExplanationDoc(TypedDict):
    """Why something is planned for one address, or nothing is."""

    format_version: str
    address: str
    kind: str
    session: str | None
    why: str
    """One or two sentences; the code of the reason is in `change`."""
    change: ResourceChangeDoc | None
    """As in the plan; null when nothing was compared."""
    declared: SourceDoc | None
    """Null when no manifest declares it."""
    recorded: SourceDoc | None
    """Null when the registry has no row for it, and for a broker."""
    live: SourceDoc
    drift: list[DriftDoc]
    diagnostics: list[DiagnosticDoc]
    next: list[str]
    """What would change the outcome, each a clause."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ExplanationDoc, title="reconciler explanation", identifier="explanation.schema.json")
