"""`schemas/attach.schema.json`: the document of `attach --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class AttachDoc(TypedDict):
    """How to attach a terminal to an agent's session; nothing is attached."""

    format_version: str
    address: str
    session: str
    command: list[str]
    """The words of the command that attaches; inside of tmux it switches the client."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AttachDoc, title="reconciler attach", identifier="attach.schema.json")
