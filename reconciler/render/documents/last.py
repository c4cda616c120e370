"""`schemas/last.schema.json`: the document of `last --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class MessageDoc(TypedDict):
    """What one side said."""

    role: Literal["user", "assistant"]
    at: str | None
    """As the CLI stored it, mostly UTC in ISO 8601; null where it stores no time."""
    text: str


class LastDoc(TypedDict):
    """The end of an agent's stored conversation."""

    format_version: str
    address: str
    conversation: str | None
    """The CLI's id of it; null before there is one."""
    path: str | None
    """Where it is stored; null before anything was said."""
    messages: list[MessageDoc]
    """Oldest first; tools and thoughts are left out."""
    cut: bool
    """Whether earlier messages of these turns are too far up in the file to be read."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(LastDoc, title="reconciler last", identifier="last.schema.json")
