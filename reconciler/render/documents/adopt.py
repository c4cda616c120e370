"""`schemas/adopt.schema.json`: the document of `adopt --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc


class AdoptedAgentDoc(TypedDict):
    """One agent that the project manages afterwards, or manages already."""

    address: str
    actions: list[Literal["declare", "import"]]
    """`declare` adds its manifest block, `import` tags and records its live session; empty if nothing is left to do."""
    session: str
    """Its session name after the adoption."""
    takes_over: str
    """The live session that is taken over; empty if there is none."""
    type: str
    role: str
    state: Literal["running", "stopped", "archived"]
    """The state in its manifest block."""
    path: str
    """The folder it works in."""
    live: bool
    sources: list[str]
    """The sources that know it; if two contradict each other, the first one counts."""
    conversation: str | None
    known_by: str
    """How its conversation is known; empty if it is not known."""
    previous: list[str]
    """The ids of its earlier conversations, which stay recorded."""
    notes: list[str]


class AdoptedWorkspaceDoc(TypedDict):
    """One workspace that is added to a manifest."""

    address: str
    path: str


class AdoptedTypeDoc(TypedDict):
    """An agent type that reconciler does not know, with the command that was found."""

    name: str
    command: list[str]


class AdoptedManifestDoc(TypedDict):
    """A manifest that is created or extended."""

    file: str
    change: Literal["create", "update"]
    added: list[str]
    """The added lines."""


class CompletedRowDoc(TypedDict):
    """One row of the registry that is completed."""

    row: str
    """`sessions.NAME` or `workspaces.NAME`."""
    how: list[str]
    line: int
    """The line in the file; 0 if the row is new."""


class SecuredFileDoc(TypedDict):
    """A file that other users can read, or that contains a password."""

    file: str
    line: int
    why: str
    does: str
    """What is done about it."""


class AdoptedBrokerDoc(TypedDict):
    """A broker whose folder was made by hand."""

    address: str
    dir: str
    notes: list[str]
    """Which users keep their passwords, and what becomes stricter with the next apply."""


class LeftAloneDoc(TypedDict):
    """Something that was found and is not taken over."""

    what: str
    why: str
    fix: str
    file: str
    line: int


class AdoptionSummaryDoc(TypedDict):
    """The numbers of the last line."""

    declare: int
    """Agents and brokers that get a block in a manifest."""
    take_over: int
    """Live sessions that are tagged and recorded."""
    complete: int
    """Rows of the registry that are completed."""
    secure: int
    """Files that are made safe."""
    left_alone: int


class AdoptionDoc(TypedDict):
    """Everything that was found, and what `adopt --write` does about it."""

    format_version: str
    tool_version: str
    sources: list[str]
    """The sources that were searched."""
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
    """Errors that stop the adoption."""
    summary: AdoptionSummaryDoc


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(AdoptionDoc, title="reconciler adopt", identifier="adopt.schema.json")
