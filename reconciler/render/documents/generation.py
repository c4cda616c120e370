"""`schemas/generation.schema.json`: the document of `history show --json`, and the file itself."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented
from .history import AuthorDoc
from .plan import PlanDoc


@documented
class AgentThenDoc(TypedDict):
    """An agent as the registry had it."""

    session: str
    status: str
    conversation: str
    """Empty when it was not known."""
    by_hand: bool
    """True when a user had put it to rest with a command."""


@documented
class ManifestFileDoc(TypedDict):
    """A manifest as it was; its content is in `.hermes/history/objects` under its digest."""

    path: str
    """From the project folder; absolute outside of it."""
    digest: str
    """SHA-256 of its bytes."""
    mode: int


@documented
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


@documented
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


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(GenerationDoc, title="reconciler generation", identifier="generation.schema.json")
