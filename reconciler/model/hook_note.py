"""Hook notes: a CLI tells a hook which conversation the process in a pane has, and the hook stores it as a file."""

from __future__ import annotations

import json

from msgspec import Struct, to_builtins
from msgspec.structs import fields

from .read_json import read_json


class HookNote(Struct, frozen=True):
    """One note. A newer note about the same pane replaces it."""

    type: str
    conversation: str
    cwd: str
    """The folder that the CLI reported."""
    socket: str
    server_pid: int
    server_started: int
    """The start of the tmux server, in Unix seconds. `pane_id` has no meaning for a later server."""
    pane_id: str
    pid: int
    """The CLI's process in the pane."""
    started: int
    """The start of that process, in clock ticks since boot."""
    at: int
    """When the note was written, in Unix seconds."""

    @property
    def name(self) -> str:
        """The name of its file."""
        return name_of_note(self.server_pid, self.pane_id)

    def document(self) -> bytes:
        """The content of its file."""
        return json.dumps(to_builtins(self)).encode()


_KINDS = {field.name: field.type for field in fields(HookNote)}


def name_of_note(server_pid: int, pane_id: str) -> str:
    """The name of the file with the note about a pane."""
    return f"{server_pid}-{pane_id.lstrip('%')}.json"


def parsed_note(data: bytes) -> HookNote | None:
    """The note in a file; None when the file is not a valid note."""
    try:
        content = read_json(data)
    except ValueError:
        return None
    if not isinstance(content, dict) or {name: type(value) for name, value in content.items()} != _KINDS:
        return None
    return HookNote(**content)
