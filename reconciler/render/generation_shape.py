"""The documents about what was applied, as types; `schemas/` is generated from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .shape import DeepChangeDoc, PlanDoc, _documented


@_documented
class AuthorDoc(TypedDict):
    """Who did something, and from where."""

    who: str
    """user@host."""
    cwd: str
    terminal: str
    """The terminal's device, `CI`, or nothing."""


@_documented
class AgentThenDoc(TypedDict):
    """An agent as the registry had it."""

    session: str
    status: str
    conversation: str
    """Empty when it was not known."""
    by_hand: bool
    """True when a user had put it to rest with a command."""


@_documented
class ManifestFileDoc(TypedDict):
    """A manifest as it was; its content is in `.hermes/history/objects` under its digest."""

    path: str
    """From the project folder; absolute outside of it."""
    digest: str
    """SHA-256 of its bytes."""
    mode: int


@_documented
class OutcomeDoc(TypedDict):
    """How an apply ended."""

    finished: str
    """UTC, ISO 8601."""
    exit_code: int
    summary: dict[str, int]
    remaining: list[str]
    events: list[dict[str, Any]]
    """The lines of `apply --json` about each action, without `detail`."""
    agents: dict[str, AgentThenDoc]
    """All managed agents afterwards, by address."""
    brokers: dict[str, dict[str, str]]
    """The SHA-256 of each broker's configuration and ACL, by address and path."""


@_documented
class GenerationDoc(TypedDict):
    """One apply, as `.hermes/history/NNNN.json` keeps it. It holds no secret of an agent or a broker."""

    format_version: str
    number: int
    at: str
    """UTC, ISO 8601."""
    operation: str
    """The command: apply, destroy, rollback, create, ..."""
    author: AuthorDoc
    tool_version: str
    manifests: list[ManifestFileDoc]
    plan: PlanDoc
    reason: str
    automatic: bool
    """True when it came by itself, as an apply was not confirmed."""
    narrowed: bool
    """True when the manifests were named on the command line."""
    before: dict[str, AgentThenDoc]
    """All managed agents when it began, by address."""
    result: OutcomeDoc | None
    """Null while it works, and when it was ended by force."""


@_documented
class GenerationRow(TypedDict):
    """One apply in a line."""

    generation: int
    at: str
    """UTC, ISO 8601."""
    who: str
    operation: str
    reason: str
    automatic: bool
    current: bool
    """True for the newest one."""
    exit_code: int | None
    """Null when it was not finished."""
    summary: dict[str, int]
    """How many of what; empty when it was not finished."""


@_documented
class GenerationsDoc(TypedDict):
    """What was applied, the oldest first."""

    format_version: str
    generations: list[GenerationRow]


@_documented
class ManifestDiffDoc(TypedDict):
    """How a manifest differs between two generations."""

    path: str
    change: Literal["create", "update", "delete"]
    diff: list[str]
    """The lines of a unified diff; they are the manifest's own text, without the secrets that it names as such."""
    same_meaning: NotRequired[bool]
    """True when nothing but the layout differs: comments, spaces, quotes, the order of keys."""
    unreadable: NotRequired[str]
    """Why it could not be compared by meaning; absent when it could."""


@_documented
class BlockDiffDoc(TypedDict):
    """How one block of the manifests differs between two generations."""

    address: str
    """agent.W.NAME, workspace.W, broker.NAME, agent_types.NAME; else the key, such as `defaults`."""
    change: Literal["create", "update", "delete"]
    file_before: str | None
    """The manifest that declared it."""
    file_after: str | None
    changes: list[DeepChangeDoc]
    """Paths are from the block; empty when it only moved to another file. An empty path is the whole block."""


@_documented
class AgentDiffDoc(TypedDict):
    """How an agent differs between two generations."""

    address: str
    before: AgentThenDoc | None
    after: AgentThenDoc | None


@_documented
class GenerationDiffDoc(TypedDict):
    """What differs between two generations."""

    format_version: str
    before: int
    after: int
    manifests: list[ManifestDiffDoc]
    """The files whose bytes differ."""
    blocks: NotRequired[list[BlockDiffDoc]]
    """What the manifests declare differently, sorted by address."""
    agents: list[AgentDiffDoc]


def history_schema() -> dict[str, Json]:
    """`schemas/history.schema.json`: the document of `history --json`."""
    return json_schema(GenerationsDoc, title="reconciler history", identifier="history.schema.json")


def generation_schema() -> dict[str, Json]:
    """`schemas/generation.schema.json`: the document of `history show --json`, and the file itself."""
    return json_schema(GenerationDoc, title="reconciler generation", identifier="generation.schema.json")


def generation_diff_schema() -> dict[str, Json]:
    """`schemas/generation-diff.schema.json`: the document of `history diff --json`."""
    return json_schema(GenerationDiffDoc, title="reconciler generations", identifier="generation-diff.schema.json")
