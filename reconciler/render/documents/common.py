"""Parts that all published documents share."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class WatchProjectDoc(TypedDict):
    """What everything that a monitor of several projects reports has besides."""

    project: NotRequired[str]
    """The project's folder; only with `monitor --all`."""


class AtDoc(TypedDict):
    """The machine, the user and the project that a document is about."""

    host: str
    machine: str
    """SHA-256 of the machine's id and a fixed word; empty if the machine has no id. Registries have its first half."""
    user: str
    home: str
    project: str
    """The real path of the project folder."""
    lineage: str
    """The registry's lineage; empty before the first apply, or if the registry cannot be read."""


class DiagnosticDoc(TypedDict):
    """A message with its place and what to do."""

    severity: Literal["error", "refusal", "warning"]
    summary: str
    detail: str
    address: str
    file: str
    """Relative to the project folder, if it is inside; empty if the message is about no file."""
    line: int
    column: int
    fix: str
