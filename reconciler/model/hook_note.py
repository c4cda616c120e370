"""What a CLI told one of its hooks: in which conversation the process in a pane is."""

from __future__ import annotations

import json

from msgspec import Struct, to_builtins
from msgspec.structs import fields

from .read_json import read_json


class HookNote(Struct, frozen=True):
    """One note; the last one about a pane replaces those before it.

    `pane_id` belongs to one life of a tmux server, which `server_pid` and `server_started` (Unix seconds) tell.
    `pid` is the CLI's process in the pane and `started` its start, in clock ticks since boot. `cwd` is the folder
    that the CLI told, `at` the time, in Unix seconds.
    """

    type: str
    conversation: str
    cwd: str
    socket: str
    server_pid: int
    server_started: int
    pane_id: str
    pid: int
    started: int
    at: int

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
    """The note in a file; None when it is none."""
    try:
        told = read_json(data)
    except ValueError:
        return None
    if not isinstance(told, dict) or {name: type(value) for name, value in told.items()} != _KINDS:
        return None
    return HookNote(**told)
