"""`schemas/projects.schema.json`: the document of `projects list --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class NotedProjectDoc(TypedDict):
    """One noted project. A damaged note has only `file`, `standing` and `reason`."""

    root: str | None
    """Its folder."""
    registry: str | None
    socket: str | None
    """The path of the socket of its tmux server, as of its last apply."""
    applied: str | None
    """When an apply last changed something, or the project was first noted: UTC, ISO 8601."""
    standing: Literal["here", "moved", "copy", "gone", "unreadable"]
    """Whether it is still there. The folder of one that is `gone` may be on a disk that is not mounted."""
    reason: str
    """Why it is not `here`; else empty."""
    file: str
    """The path of the note."""


class ProjectsDoc(TypedDict):
    """The projects of this user in which an apply ran."""

    format_version: str
    folder: str
    """The folder of the notes."""
    projects: list[NotedProjectDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ProjectsDoc, title="reconciler projects", identifier="projects.schema.json")
