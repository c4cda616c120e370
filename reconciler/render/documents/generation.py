"""`schemas/generation.schema.json`: the document of `history show --json`, and the file itself."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .history import AuthorDoc
from .plan import PlanDoc


class AgentThenDoc(TypedDict):
    """An agent as the registry described it at that time."""

    session: str
    status: str
    conversation: str
    """Empty if it was not known."""
    by_hand: bool
    """True if a user had stopped or archived it with a command."""


class ManifestFileDoc(TypedDict):
    """A manifest as it was; its content is in `.hermes/history/objects` under its digest."""

    path: str
    """Relative to the project folder; absolute if outside of it."""
    digest: str
    """SHA-256 of its bytes."""
    mode: int


class OutcomeDoc(TypedDict):
    """The result of an apply."""

    finished: str
    """UTC, ISO 8601."""
    exit_code: int
    summary: dict[str, int]
    remaining: list[str]
    events: list[dict[str, Any]]
    """The lines of `apply --json` about each action, without `detail`."""
    agents: dict[str, AgentThenDoc]
    """All managed agents after the apply, by address."""
    brokers: dict[str, dict[str, str]]
    """The SHA-256 of each broker's configuration and ACL, by address and path."""


class GenerationDoc(TypedDict):
    """One apply, as stored in `.hermes/history/NNNN.json`. It contains no secret of an agent or a broker."""

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
    """True if reconciler rolled back by itself because an apply was not confirmed."""
    narrowed: bool
    """True if the manifests were named on the command line."""
    before: dict[str, AgentThenDoc]
    """All managed agents before the apply, by address."""
    result: OutcomeDoc | None
    """Null while it runs, and if it was killed."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationDoc, title="reconciler generation", identifier="generation.schema.json")
