"""`schemas/generation-diff.schema.json`: the document of `history diff --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import DeepChangeDoc
from .common import documented
from .generation import AgentThenDoc


@documented
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


@documented
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


@documented
class AgentDiffDoc(TypedDict):
    """How an agent differs between two generations."""

    address: str
    before: AgentThenDoc | None
    after: AgentThenDoc | None


@documented
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


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationDiffDoc, title="reconciler generations", identifier="generation-diff.schema.json")
