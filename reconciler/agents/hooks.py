"""How CLIs run a program at their events: in which file that stands, and what the program gets to read. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.model.job import EventKind

from .jsonl import inner, text

if TYPE_CHECKING:
    from .profile import Subject

Payload = Mapping[str, Any]


class Scope(StrEnum):
    """For which sessions of a CLI its hooks are: those that start in one folder, or all of the user."""

    PROJECT = "project"
    USER = "user"


def tool_request(payload: Payload) -> str:
    """What shall be allowed, as TOOL:WHAT; the names are Claude's, and Codex uses the same ones."""
    tool, given = text(payload, "tool_name"), inner(payload, "tool_input")
    what = text(given, "command", "file_path", "url") or (json.dumps(given) if given else "")
    return f"{tool}:{what}"


class Hooks(NamedTuple):
    """The hooks of one CLI.

    They stand in the JSON file `user`, or in `project` below the folder in which the CLI is started. `events`
    says which event of a job follows from which event of the CLI, whose program gets a JSON object with
    `hook_event_name`, `session_id` and `cwd`. `request` reads from it what shall be allowed; empty when that
    is no such question. The CLI waits up to `limit` for the program, in a unit of its own, and wants to read
    `reply`. `notice` is what the user has to do.
    """

    user: Callable[[Subject], str]
    project: str
    events: Mapping[str, EventKind]
    limit: int
    request: Callable[[Payload], str] = tool_request
    reply: str = ""
    notice: str = ""
