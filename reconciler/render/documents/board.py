"""`schemas/board.schema.json`: the document of `board --json`, which also feeds the board itself."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, documented


@documented
class BoardMessage(TypedDict):
    """The newest message of a conversation, cut to its beginning."""

    role: Literal["user", "assistant"]
    at: str | None
    """As the CLI stored it; null where it stores no time."""
    text: str
    """The first 500 characters, on one line."""


@documented
class BoardWork(TypedDict):
    """The work in the folder of an agent."""

    branch: str
    """`(detached)` when there is none."""
    uncommitted: int
    """The number of uncommitted files."""
    added: int
    """Lines since the branch left what it is compared with, or since the last commit."""
    removed: int


@documented
class BoardJob(TypedDict):
    """The newest job of an agent that has not ended."""

    id: str
    status: str


@documented
class BoardRow(TypedDict):
    """One agent on the board."""

    project: str
    """The name of its project."""
    folder: str
    """The folder of its project. Together with the address, it identifies the agent on this machine."""
    workspace: str
    agent: str
    type: str
    """The CLI it runs."""
    address: str
    session: str
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
    note: str


@documented
class BoardProject(TypedDict):
    """One project on the board."""

    project: str
    folder: str
    diagnostics: list[DiagnosticDoc]
    """What is wrong with it, for example a manifest with a mistake; then its agents may be missing."""


@documented
class BoardDoc(TypedDict):
    """The agents of some projects, and what each does."""

    format_version: str
    projects: list[BoardProject]
    agents: list[BoardRow]
    """Sorted by project and address."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(BoardDoc, title="reconciler board", identifier="board.schema.json")
