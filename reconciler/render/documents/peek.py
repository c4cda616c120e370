"""`schemas/peek.schema.json`: the document of `peek --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class ScreenLine(TypedDict):
    """One line of a screen."""

    text: str
    """The line without colours."""
    coloured: str
    """The line with the escape sequences that colour it (SGR); it may hold other control characters."""


class PeekDoc(TypedDict):
    """What is on an agent's screen."""

    format_version: str
    address: str
    session: str
    live: Literal["alive", "exited"]
    """`exited`: the agent has ended, and these are its last lines."""
    title: str
    lines: list[ScreenLine]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(PeekDoc, title="reconciler peek", identifier="peek.schema.json")
