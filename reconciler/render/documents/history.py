"""`schemas/history.schema.json`: the document of `history --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class AuthorDoc(TypedDict):
    """Who did something, and from where."""

    who: str
    """user@host."""
    cwd: str
    terminal: str
    """The terminal's device, `CI`, or empty."""


class GenerationRow(TypedDict):
    """One apply in short form."""

    generation: int
    at: str
    """UTC, ISO 8601."""
    who: str
    operation: str
    reason: str
    automatic: bool
    current: bool
    """True for the newest one."""
    exit_code: int | None
    """Null if the apply did not finish."""
    summary: dict[str, int]
    """The number of actions by result; empty if the apply did not finish."""


class GenerationsDoc(TypedDict):
    """All applies, oldest first."""

    format_version: str
    generations: list[GenerationRow]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationsDoc, title="reconciler history", identifier="history.schema.json")
