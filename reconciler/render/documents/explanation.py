"""`schemas/explanation.schema.json`: the document of `explain --json`."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import ResourceChangeDoc
from .common import DiagnosticDoc
from .drift import DriftDoc


class SourceDoc(TypedDict):
    """What one source says about an address."""

    file: str
    """The file that has the facts; empty for the live source."""
    line: int
    column: int
    facts: dict[str, Any]
    """Text, numbers or lists, by name. Variables are named; their values are never included."""


class ExplanationDoc(TypedDict):
    """Why one address will change, or why it will not."""

    format_version: str
    address: str
    kind: str
    session: str | None
    why: str
    """The reason in one or two sentences; its code is in `change`."""
    change: ResourceChangeDoc | None
    """As in the plan; null if nothing was compared."""
    declared: SourceDoc | None
    """Null if no manifest declares it."""
    recorded: SourceDoc | None
    """Null if the registry has no row for it."""
    live: SourceDoc
    drift: list[DriftDoc]
    diagnostics: list[DiagnosticDoc]
    next: list[str]
    """What would change the outcome, one clause each."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ExplanationDoc, title="reconciler explanation", identifier="explanation.schema.json")
