"""`schemas/event.schema.json`: one line of `apply --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .adopt import AdoptionDoc
from .common import AtDoc, DiagnosticDoc
from .plan import PlanDoc

Deed = Literal["stopped", "archived", "resumed", "restarted", "created", "deleted"]


class DeedDoc(TypedDict):
    """What a command did to an agent that it names."""

    name: str
    """The shortest name that always means this agent."""
    deed: Deed
    undo: str | None
    """The command that brings back the state from before; null if there is none."""


class EventDoc(TypedDict):
    """One line of `apply --json`. Readers must ignore types and keys they do not know."""

    type: Literal[
        "version",
        "plan",
        "manifest_edit",
        "manifest_restore",
        "adoption",
        "file_written",
        "file_failed",
        "diagnostic",
        "action_start",
        "action_waiting",
        "action_complete",
        "action_failed",
        "action_skipped",
        "prompt_unverified",
        "confirmation",
        "summary",
    ]
    sequence: int
    """The line's number; it grows by one with every line."""
    timestamp: str
    """UTC, ISO 8601 with milliseconds."""
    address: NotRequired[str]
    action: NotRequired[str]
    message: NotRequired[str]
    detail: NotRequired[str]
    conversation: NotRequired[str | None]
    deed: NotRequired[DeedDoc]
    """Only for an agent that the command names."""
    tool_version: NotRequired[str]
    format_version: NotRequired[str]
    at: NotRequired[AtDoc]
    """Whose apply it is; only in the first line. Since 1.1."""
    plan: NotRequired[PlanDoc]
    diagnostic: NotRequired[DiagnosticDoc]
    adoption: NotRequired[AdoptionDoc]
    """What `adopt` found."""
    file: NotRequired[str]
    """The manifest that the command edits, or the file that was written or could not be written."""
    line: NotRequired[int]
    added: NotRequired[list[str]]
    """The added lines; empty when a block is removed."""
    change: NotRequired[str]
    """What happens to a manifest as a whole: `create`, `update` or `delete`."""
    kept: NotRequired[str]
    """The path of a copy of what would be lost; empty if there is none."""
    generation: NotRequired[int | None]
    """The number of this apply in the history, or the generation that a manifest is restored from."""
    back_to: NotRequired[int]
    """The generation that reconciler rolls back to unless this one is confirmed."""
    deadline: NotRequired[str]
    """UTC, ISO 8601."""
    summary: NotRequired[dict[str, int]]
    """How many resources were added, changed, destroyed, ...: only in the last line."""
    changed: NotRequired[bool]
    """Whether at least one action completed; only in the last line. A killed command prints none. Since 1.1."""
    remaining: NotRequired[list[str]]
    exit_code: NotRequired[int]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(EventDoc, title="reconciler event", identifier="event.schema.json")
