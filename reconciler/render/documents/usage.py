"""`schemas/usage.schema.json`: the document of `usage --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class TokensDoc(TypedDict):
    """Tokens, added up. The first four never overlap."""

    input: int
    """Input that was neither read from a cache nor written into one."""
    cache_read: int
    """Input that was read from a cache."""
    cache_write: int
    """Input that was written into a cache."""
    output: int
    """Output, with what the model thought."""
    total: int
    """All of them."""


class CostDoc(TypedDict):
    """Money, as far as it is known."""

    usd: float
    """US dollars: what the CLI stored, else the price by the list."""
    unpriced_tokens: int
    """Tokens whose price is not known; `usd` is without them."""


class UsageGroupDoc(TypedDict):
    """What one group used. A key is null where the sums are not made for it."""

    project: str | None
    """The folder of the project."""
    workspace: str | None
    agent: str | None
    """The address of the agent."""
    type: str | None
    model: str | None
    """As the CLI stored it."""
    day: str | None
    """In local time, see `time_zone`."""
    answers: int
    """How many answers of models were counted."""
    tokens: TokensDoc
    cost: CostDoc | None
    """Null when no price was asked for."""


class PriceListDoc(TypedDict):
    """The price list that was asked."""

    package: str
    version: str
    unpriced_models: list[str]
    """Models of which it knows no price."""


class UsageDoc(TypedDict):
    """What the agents used in a period."""

    format_version: str
    since: str | None
    """UTC, ISO 8601; null for everything that is stored."""
    until: str
    time_zone: str
    """The zone whose midnight separates days."""
    by: list[Literal["agent", "workspace", "type", "model", "day"]]
    groups: list[UsageGroupDoc]
    total: UsageGroupDoc
    other_tokens: int
    """Tokens in the same stores that belong to conversations of no agent here."""
    prices: PriceListDoc | None
    """Null when no price was asked for."""
    notes: list[str]
    """What one must know to read the numbers right."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(UsageDoc, title="reconciler usage", identifier="usage.schema.json")
