"""`schemas/history.schema.json`: the document of `history --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented


@documented
class AuthorDoc(TypedDict):
    """Who did something, and from where."""

    who: str
    """user@host."""
    cwd: str
    terminal: str
    """The terminal's device, `CI`, or nothing."""


@documented
class GenerationRow(TypedDict):
    """One apply in a line."""

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
    """Null when it was not finished."""
    summary: dict[str, int]
    """How many of what; empty when it was not finished."""


@documented
class GenerationsDoc(TypedDict):
    """What was applied, the oldest first."""

    format_version: str
    generations: list[GenerationRow]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationsDoc, title="reconciler history", identifier="history.schema.json")
