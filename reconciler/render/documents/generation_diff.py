"""`schemas/generation-diff.schema.json`: the document of `history diff --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import DeepChangeDoc
from .generation import AgentThenDoc


class ManifestDiffDoc(TypedDict):
    """How a manifest differs between two generations."""

    path: str
    change: Literal["create", "update", "delete"]
    diff: list[str]
    """The lines of a unified diff of the manifest's text; values that it marks as secret are hidden."""
    same_meaning: NotRequired[bool]
    """True if only the layout differs: comments, spaces, quotes, the order of keys."""
    unreadable: NotRequired[str]
    """Why its meaning could not be compared; absent if it could be."""


class BlockDiffDoc(TypedDict):
    """How one block of the manifests differs between two generations."""

    address: str
    """agent.W.NAME, workspace.W, broker.NAME, agent_types.NAME; else the key, such as `defaults`."""
    change: Literal["create", "update", "delete"]
    file_before: str | None
    """The manifest that declared it."""
    file_after: str | None
    changes: list[DeepChangeDoc]
    """Paths are relative to the block; an empty path is the whole block. The list is empty if it only moved."""


class AgentDiffDoc(TypedDict):
    """How an agent differs between two generations."""

    address: str
    before: AgentThenDoc | None
    after: AgentThenDoc | None


class GenerationDiffDoc(TypedDict):
    """What differs between two generations."""

    format_version: str
    before: int
    after: int
    manifests: list[ManifestDiffDoc]
    """The manifests whose bytes differ."""
    blocks: NotRequired[list[BlockDiffDoc]]
    """The blocks that differ in meaning, sorted by address."""
    agents: list[AgentDiffDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationDiffDoc, title="reconciler generations", identifier="generation-diff.schema.json")
