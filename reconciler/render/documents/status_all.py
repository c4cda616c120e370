"""`schemas/status-all.schema.json`: the document of `status --all --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, documented
from .status import StatusRow


@documented
class ProjectStatusDoc(TypedDict):
    """The agents of one project."""

    root: str
    """Its folder."""
    registry: str
    agents: list[StatusRow]
    diagnostics: list[DiagnosticDoc]
    error: DiagnosticDoc | None
    """Why the project is left out, and its agents are not known. A `warning` means that it lives elsewhere now."""


@documented
class AllStatusDoc(TypedDict):
    """The agents of all projects of this user in which an apply ran."""

    format_version: str
    projects: list[ProjectStatusDoc]
    """Sorted by folder. With a name, only the project of that agent, and those that are left out with an error."""
    diagnostics: list[DiagnosticDoc]
    """About notes of projects that cannot be read."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AllStatusDoc, title="reconciler status --all", identifier="status-all.schema.json")
