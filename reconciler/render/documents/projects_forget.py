"""`schemas/projects-forget.schema.json`: the document of `projects forget --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class ForgottenDoc(TypedDict):
    """The project whose note was removed; nothing else was changed."""

    format_version: str
    root: str | None
    """Its folder; null if the note was damaged."""
    file: str
    """The path that the note had."""
    undo: str
    """What to type to note the project again."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ForgottenDoc, title="reconciler projects forget", identifier="projects-forget.schema.json")
