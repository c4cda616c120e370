"""What agents used, as sums."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from .address import Address


class GroupBy(StrEnum):
    """What sums are made for."""

    AGENT = "agent"
    WORKSPACE = "workspace"
    TYPE = "type"
    MODEL = "model"
    DAY = "day"


class Owner(Struct, frozen=True):
    """The agent that a conversation belongs to, and its project."""

    project: str
    address: Address


class UsageSum(Struct, kw_only=True):
    """The tokens of one group, added up. Texts are empty where the sums are not made for them."""

    project: str = ""
    agent: str = ""
    workspace: str = ""
    type: str = ""
    model: str = ""
    day: str = ""
    answers: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    # US dollars for the tokens whose price is known.
    usd: float = 0.0
    # Tokens without a known price.
    unpriced: int = 0

    @property
    def total(self) -> int:
        """All tokens."""
        return self.input + self.cache_read + self.cache_write + self.output


class PriceList(Struct, frozen=True):
    """The package whose price list was asked, and its version."""

    package: str
    version: str


class UsageReport(Struct, frozen=True, kw_only=True):
    """The sums for a period. Times are Unix seconds; `since` is 0 for everything."""

    by: tuple[GroupBy, ...]
    since: int
    until: int
    time_zone: str
    groups: tuple[UsageSum, ...]
    total: UsageSum
    # Tokens in the same stores that belong to no agent of these projects.
    others: int
    # The models without a price; None when no price was asked for.
    unpriced_models: tuple[str, ...] | None = None
    prices: PriceList | None = None
    # What a user must know to read the numbers right.
    notes: tuple[str, ...] = ()
