"""`schemas/drift-all.schema.json`: the document of `drift --all --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc
from .drift import DriftsDoc


class ProjectDriftDoc(TypedDict):
    """Where the registry of one project and the live world differ."""

    root: str
    """Its folder."""
    registry: str
    drift: DriftsDoc | None
    """As `drift --json` in that project; null if it is left out."""
    error: DiagnosticDoc | None
    """Why the project is left out. A `warning` means that it lives elsewhere now."""


class AllDriftDoc(TypedDict):
    """Where the registries of all noted projects and the live world differ."""

    format_version: str
    tool_version: str
    projects: list[ProjectDriftDoc]
    """Sorted by folder."""
    in_sync: bool
    """False if something differs in any project, or could not be looked at."""
    diagnostics: list[DiagnosticDoc]
    """About notes of projects that cannot be read."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AllDriftDoc, title="reconciler drift --all", identifier="drift-all.schema.json")
