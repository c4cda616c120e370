"""`schemas/reconnect.schema.json`: the document of `reconnect --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from . import FORMAT_VERSION


class ReconnectDoc(TypedDict):
    """Whether a tmux server with a lost socket was reconnected."""

    format_version: str
    reconnected: bool
    """False if no server had lost its socket."""
    pid: int | None
    """The pid of the tmux server."""
    socket: str | None


def reconnect_document(pid: int | None = None, socket: str | None = None) -> ReconnectDoc:
    """The document of `reconnect --json`, with the reconnected server if there is one."""
    return {"format_version": FORMAT_VERSION, "reconnected": pid is not None, "pid": pid, "socket": socket}


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ReconnectDoc, title="reconciler reconnect", identifier="reconnect.schema.json")
