"""The note that one project of a user leaves, so that the others can be found from anywhere."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ProjectNote(Struct, frozen=True):
    """Where a project is, as its last apply noted it."""

    root: str
    """The project's folder."""
    registry: str
    """The path of its registry."""
    socket: str
    """The path of the socket of its tmux server."""
    lineage: str
    """The id of its registry."""
    applied: str = ""
    """When an apply last changed something, or the project was first noted: UTC, ISO 8601 with a Z."""


class NoteStanding(StrEnum):
    """Whether a noted project is still where its note says."""

    HERE = "here"
    MOVED = "moved"
    COPY = "copy"
    GONE = "gone"
    UNREADABLE = "unreadable"


class ListedProject(Struct, frozen=True):
    """One note as `projects list` shows it. A damaged note has only `file`, `standing` and `reason`."""

    file: str
    """The path of the note."""
    standing: NoteStanding
    reason: str = ""
    """Why it is not `here`, for the user."""
    note: ProjectNote | None = None
