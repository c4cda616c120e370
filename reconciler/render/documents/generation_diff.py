"""`schemas/generation-diff.schema.json`: the document of `history diff --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented
from .generation import AgentThenDoc


@documented
class ManifestDiffDoc(TypedDict):
    """How a manifest differs between two generations."""

    path: str
    change: Literal["create", "update", "delete"]
    diff: list[str]
    """The lines of a unified diff; they are the manifest's own text."""


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
    agents: list[AgentDiffDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationDiffDoc, title="reconciler generations", identifier="generation-diff.schema.json")
