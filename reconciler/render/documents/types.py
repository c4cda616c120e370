"""`schemas/types.schema.json`: the document of `types --json`."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class KnownTypeDoc(TypedDict):
    """One agent type."""

    name: str
    origin: Literal["built-in", "manifest", "package"]
    file: str | None
    """The manifest that declares it."""
    line: int | None
    source: str
    """Where the facts are from, in words; empty if nobody says it."""
    tested: list[str]
    """The versions that they were checked with, oldest first."""
    program: str | None
    """The program that its command means here."""
    version: str | None
    """Its version, if that is known without starting it."""
    chooses_id: bool
    """Whether reconciler chooses the id of a conversation."""
    proof: str
    """What shows the conversation of a running agent, in words."""
    tells_state: bool
    """Whether an unknown state means that the agent is left alone."""
    answers_permissions: bool
    counts_tokens: bool
    sends_events: bool
    """Whether it has hooks that can report."""
    words: dict[str, Any]
    """What is known of it, in the words of `agent_types` in a manifest."""
    in_python: list[str]
    """The parts of it that take an algorithm, so that a manifest cannot say them."""
    hidden: list[str]
    """What its wrapper hides, in the words of a plan."""


class TypesDoc(TypedDict):
    """What is known of the agent types."""

    format_version: str
    types: list[KnownTypeDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(TypesDoc, title="reconciler types", identifier="types.schema.json")
