"""How CLIs run a program at their events: in which file that stands, and what the program gets to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from reconciler.model.event_kind import EventKind

from .subject import AgentEnvironment

Payload = Mapping[str, Any]


class HookScope(StrEnum):
    """For which sessions of a CLI its hooks are: those that start in one folder, or all of the user."""

    PROJECT = "project"
    USER = "user"


class Hooks(Struct, frozen=True, kw_only=True):
    """The hooks of one CLI. Its program gets a JSON object with `hook_event_name`, `session_id` and `cwd`."""

    # The JSON file in which they stand for all sessions of the user.
    user: Callable[[AgentEnvironment], str]
    # The same for those that start in one folder: below that folder.
    project: str
    # Which event of a job follows from which event of the CLI.
    events: Mapping[str, EventKind]
    # How long the CLI waits for the program, in a unit of its own.
    limit: int
    # What shall be allowed, as TOOL:WHAT; empty when the object is no such question.
    request: Callable[[Payload], str]
    # What the CLI wants to read from the program.
    reply: str = ""
    # What the user has to do, in words.
    notice: str = ""
