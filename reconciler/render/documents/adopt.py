"""`schemas/adopt.schema.json`: the document of `adopt --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, documented


@documented
class AdoptedAgentDoc(TypedDict):
    """One agent that is in the project's care afterwards, or is already."""

    address: str
    actions: list[Literal["declare", "import"]]
    """What is done: a manifest gets its block, its live session is tagged and recorded; none when it is settled."""
    session: str
    """The name of its session afterwards."""
    takes_over: str
    """The live session that is taken over; empty when there is none."""
    type: str
    role: str
    state: Literal["running", "stopped", "archived"]
    """As its block says."""
    path: str
    """The folder that it works in."""
    live: bool
    sources: list[str]
    """What knows of it; the first one is believed where two contradict."""
    conversation: str | None
    known_by: str
    """How its conversation is known; empty when it is not."""
    previous: list[str]
    """Ids that stay listed as earlier conversations."""
    notes: list[str]


@documented
class AdoptedWorkspaceDoc(TypedDict):
    """One workspace that comes into a manifest."""

    address: str
    path: str


@documented
class AdoptedTypeDoc(TypedDict):
    """An agent type that nobody knows, with the command that was found."""

    name: str
    command: list[str]


@documented
class AdoptedManifestDoc(TypedDict):
    """A manifest that is written."""

    file: str
    change: Literal["create", "update"]
    added: list[str]
    """The lines that come in."""


@documented
class CompletedRowDoc(TypedDict):
    """One row of the registry that is completed."""

    row: str
    """`sessions.NAME` or `workspaces.NAME`."""
    how: list[str]
    line: int
    """Where it is in the file; 0 when it is new."""


@documented
class SecuredFileDoc(TypedDict):
    """A file that others can read, or that holds a password."""

    file: str
    line: int
    why: str
    does: str
    """What is done about it."""


@documented
class AdoptedBrokerDoc(TypedDict):
    """A broker whose folder was made by hand."""

    address: str
    dir: str
    notes: list[str]
    """Who keeps the password, and what becomes stricter with the next apply."""


@documented
class LeftAloneDoc(TypedDict):
    """Something that was found and is not taken over."""

    what: str
    why: str
    fix: str
    file: str
    line: int


@documented
class AdoptionSummaryDoc(TypedDict):
    """How many of what."""

    declare: int
    """Agents and brokers that get a block in a manifest."""
    take_over: int
    """Live sessions that are tagged and recorded."""
    complete: int
    """Rows of the registry that are completed."""
    secure: int
    """Files that are made safe."""
    left_alone: int


@documented
class AdoptionDoc(TypedDict):
    """Everything that was found, and what `adopt --write` does about it."""

    format_version: str
    tool_version: str
    sources: list[str]
    """What was looked at."""
    workspaces: list[AdoptedWorkspaceDoc]
    agents: list[AdoptedAgentDoc]
    agent_types: list[AdoptedTypeDoc]
    brokers: list[AdoptedBrokerDoc]
    manifests: list[AdoptedManifestDoc]
    registry: str
    """The file whose rows are completed."""
    rows: list[CompletedRowDoc]
    files: list[SecuredFileDoc]
    left_alone: list[LeftAloneDoc]
    diagnostics: list[DiagnosticDoc]
    """What keeps it from being done."""
    summary: AdoptionSummaryDoc


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AdoptionDoc, title="reconciler adopt", identifier="adopt.schema.json")
