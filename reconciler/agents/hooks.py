"""The hooks of CLIs: in which file they are set, and what a hook's program reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from reconciler.model.event_kind import EventKind

from .subject import AgentEnvironment

Payload = Mapping[str, Any]


class HookScope(StrEnum):
    """The sessions that hooks apply to: those that start in one folder, or all sessions of the user."""

    PROJECT = "project"
    USER = "user"


class Hooks(Struct, frozen=True, kw_only=True):
    """The hooks of one CLI. A hook's program gets a JSON object with `hook_event_name`, `session_id` and `cwd`."""

    # The JSON file with the hooks for all sessions of the user.
    user: Callable[[AgentEnvironment], str]
    # The JSON file with the hooks for sessions in one folder, relative to that folder.
    project: str
    # The job event that is published for each event of the CLI.
    events: Mapping[str, EventKind]
    # How long the CLI waits for the program, in the CLI's own unit.
    limit: int
    # What the CLI asks permission for, as TOOL:WHAT; empty when the object is about something else.
    request: Callable[[Payload], str]
    # What the program has to print for the CLI.
    reply: str = ""
    # What the user has to do after an installation, in words.
    notice: str = ""
    # The name of the dialog with which the CLI asks whether it may run them; empty if it does not ask.
    review: str = ""
