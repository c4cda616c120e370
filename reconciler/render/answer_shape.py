"""The documents of commands that do one small thing, as types; `schemas/` is generated from them."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .shape import FORMAT_VERSION, _documented


@_documented
class ReconnectDoc(TypedDict):
    """Whether a tmux server was out of sight, and is reached again."""

    format_version: str
    reconnected: bool
    """False when none was out of sight."""
    pid: int | None
    """That of the tmux server."""
    socket: str | None


@_documented
class ConfirmationDoc(TypedDict):
    """Which generation is kept for good."""

    format_version: str
    generation: int | None
    """Null when nothing waited for a confirmation."""


def reconnect_document(pid: int | None = None, socket: str | None = None) -> ReconnectDoc:
    """The document of `reconnect --json`, with the server that answers again, if there is one."""
    return {"format_version": FORMAT_VERSION, "reconnected": pid is not None, "pid": pid, "socket": socket}


def confirmation_document(generation: int | None) -> ConfirmationDoc:
    """The document of `confirm --json`."""
    return {"format_version": FORMAT_VERSION, "generation": generation}


def reconnect_schema() -> dict[str, Json]:
    """`schemas/reconnect.schema.json`: the document of `reconnect --json`."""
    return json_schema(ReconnectDoc, title="reconciler reconnect", identifier="reconnect.schema.json")


def confirmation_schema() -> dict[str, Json]:
    """`schemas/confirmation.schema.json`: the document of `confirm --json`."""
    return json_schema(ConfirmationDoc, title="reconciler confirm", identifier="confirmation.schema.json")
