"""`schemas/board.schema.json`: the document of `board --json` and `status --all --json`; it also feeds the boards."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc
from .status import StatusDetail


class BoardMessage(TypedDict):
    """The newest message of a conversation, cut to its beginning."""

    role: Literal["user", "assistant"]
    at: str | None
    """As the CLI stored it; null where it stores no time."""
    text: str
    """The first 500 characters, on one line."""


class BoardWork(TypedDict):
    """The work in the folder of an agent."""

    branch: str
    """`(detached)` when there is none."""
    uncommitted: int
    """The number of uncommitted files."""
    added: int
    """Lines since the branch left what it is compared with, or since the last commit."""
    removed: int


class BoardJob(TypedDict):
    """The newest job of an agent that has not ended."""

    id: str
    status: str


class BoardRow(TypedDict):
    """One agent on the board."""

    host: str
    """The host that it runs on, as the inventory names it; empty for this machine."""
    project: str
    """The name of its project."""
    folder: str
    """The folder of its project."""
    registry: str
    """The registry of its project. Together with the address, it identifies the agent on its host."""
    workspace: str
    agent: str
    type: str
    """The CLI it runs."""
    address: str
    session: str
    conversation: str | None
    pid: int | None
    since: str | None
    """When it was started: UTC, ISO 8601."""
    shows_state: bool
    """Whether there is a way to see what agents of its type do."""
    group: Literal["needs_you", "working", "idle", "running", "stopped", "trouble"]
    """The group that it is shown in; `running`: it runs, and nothing shows what it does."""
    status: str
    """As recorded: running, stopped, terminated, archived; `declared` before its first start."""
    live: Literal["alive", "exited", "gone", "unknown", "foreign"]
    state: str
    """Its activity: idle, busy, waiting, dialog, unknown; empty if it is not alive."""
    state_since: str | None
    """Since when it is in its state, or at rest: UTC, ISO 8601. Null if nothing shows that."""
    waits_for: str | None
    """What it needs from you: `permission`, or the name of a start dialog."""
    question: str | None
    """The question on its screen, on one line, while it waits for a permission. Null if it cannot be read."""
    message: BoardMessage | None
    """Null if nothing was said, or if it cannot be read."""
    work: BoardWork | None
    """Null if its folder is not under git, or if git cannot tell."""
    job: BoardJob | None
    tokens_today: int | None
    """The tokens that it used since midnight in local time, as `usage` counts them. Null if that is not known."""
    note: str
    detail: NotRequired[StatusDetail]
    """Present only for an agent that was asked for by name."""


class BoardProject(TypedDict):
    """One project on the board."""

    host: str
    """The host that it is on; empty for this machine."""
    project: str
    """Its name; that of its folder if it is left out."""
    folder: str
    registry: str
    diagnostics: list[DiagnosticDoc]
    """What is wrong with it, for example a manifest with a mistake; then its agents may be missing."""
    error: DiagnosticDoc | None
    """Why the project is left out, and its agents are not known. A `warning` means that it lives elsewhere now."""


class BoardHost(TypedDict):
    """One host on the board of many, and whether it answered."""

    host: str
    outcome: Literal["ok", "failed", "refused", "unreachable", "unknown"]
    """`unreachable`: it did not answer; `unknown`: what it said cannot be read, or it was not asked yet."""
    said: str
    """Why it is not `ok`; else empty."""
    seconds: float
    """How long the last answer took, or how long it was waited for."""
    seen: str | None
    """When it last told of its agents: UTC, ISO 8601. If it is not `ok`, its agents are shown as they were then."""


class BoardDoc(TypedDict):
    """The agents of some projects, and what each does."""

    format_version: str
    hosts: list[BoardHost]
    """The hosts of the inventory, sorted by name; empty without an inventory."""
    projects: list[BoardProject]
    """Sorted by folder. With a name, only the project of that agent, and those that are left out with an error."""
    agents: list[BoardRow]
    """In the order of their projects, and sorted by address."""
    diagnostics: list[DiagnosticDoc]
    """About notes of projects that cannot be read."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(BoardDoc, title="reconciler board", identifier="board.schema.json")
