"""`schemas/confirmation.schema.json`: the document of `confirm --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from . import FORMAT_VERSION


class ConfirmationDoc(TypedDict):
    """The generation that was confirmed and stays."""

    format_version: str
    generation: int | None
    """Null if no apply was waiting for a confirmation."""


def confirmation_document(generation: int | None) -> ConfirmationDoc:
    """The document of `confirm --json`."""
    return {"format_version": FORMAT_VERSION, "generation": generation}


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ConfirmationDoc, title="reconciler confirm", identifier="confirmation.schema.json")
