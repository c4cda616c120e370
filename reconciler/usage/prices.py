"""Compute what tokens cost, by the price list in the installed package genai-prices.

No price is fetched: the list is as old as the installed package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from genai_prices import Usage, calc_price
from genai_prices.types import ModelPrice, PriceCalculation, TieredPrices
from msgspec import Struct

from reconciler.model.tokens import TokenRow
from reconciler.model.usage import PriceList

from .counting import CountedAnswer

PACKAGE = "genai-prices"
_PROBE = 1000  # tokens; fewer than in any tier but the first
_HOUR = 3600  # seconds; prices that depend on the time change at full hours


class _Rates(Struct, frozen=True):
    """US dollars per token, for an answer with at most `most` tokens of input."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    cache_write_1h: float
    most: int


@dataclass(slots=True)
class PriceCalculator:
    """Computes prices, and remembers models without a price. `providers` has the provider of each CLI's models."""

    providers: Mapping[str, str]
    unknown: set[str] = field(default_factory=set)
    _rates: dict[tuple[str, str, int], _Rates | None] = field(default_factory=dict)
    _by_hour: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def list(self) -> PriceList:
        """The installed price list."""
        return PriceList(PACKAGE, version(PACKAGE))

    def price(self, answer: CountedAnswer) -> float | None:
        """The cost that the CLI stored, else the price by the list; None if neither is known."""
        row = answer.row
        if row.usd is not None:
            return row.usd
        rates = self._rates_for(answer)
        if rates is None:
            self.unknown.add(row.model)
            return None
        if row.input + row.cache_read + row.cache_write > rates.most:
            found = _ask_price(row.model, self.providers.get(answer.type, ""), row.at, _usage(row))
            return float(found.total_price) if found else None
        return (
            row.input * rates.input
            + row.output * rates.output
            + row.cache_read * rates.cache_read
            + (row.cache_write - row.cache_write_1h) * rates.cache_write
            + row.cache_write_1h * rates.cache_write_1h
        )

    def _rates_for(self, answer: CountedAnswer) -> _Rates | None:
        model, provider, at = answer.row.model, self.providers.get(answer.type, ""), answer.row.at
        hour = at // _HOUR if self._by_hour.get((provider, model), True) else 0
        key = (provider, model, hour)
        if key not in self._rates:
            probe = _ask_price(model, provider, at, Usage(input_tokens=_PROBE))
            self._by_hour[provider, model] = probe is not None and not isinstance(probe.model.prices, ModelPrice)
            key = key if self._by_hour[provider, model] else (provider, model, 0)
            self._rates[key] = _rates(probe, lambda usage: _ask_price(model, provider, at, usage)) if probe else None
        return self._rates[key]


def _ask_price(model: str, provider: str, at: int, usage: Usage) -> PriceCalculation | None:
    """The price of a usage; None if the model is not in the list."""
    when = datetime.fromtimestamp(at, UTC)
    for asked in (provider, None) if provider else (None,):
        try:
            return calc_price(usage, model, provider_id=asked, genai_request_timestamp=when)
        except (LookupError, ValueError):  # not known; or a price that cannot be computed
            continue
    return None


def _rates(probe: PriceCalculation, ask: Callable[[Usage], PriceCalculation | None]) -> _Rates:
    def rate(usage: Usage) -> float:
        found = ask(usage)
        return float(found.total_price) / _PROBE if found else 0.0

    return _Rates(
        input=float(probe.total_price) / _PROBE,
        output=rate(Usage(output_tokens=_PROBE)),
        cache_read=rate(Usage(input_tokens=_PROBE, cache_read_tokens=_PROBE)),
        cache_write=rate(Usage(input_tokens=_PROBE, cache_write_tokens=_PROBE)),
        cache_write_1h=rate(Usage(input_tokens=_PROBE, cache_write_tokens=_PROBE, cache_write_1h_tokens=_PROBE)),
        most=_first_tier(probe.model_price),
    )


def _first_tier(price: ModelPrice) -> int:
    """The number of input tokens up to which every rate is the base rate."""
    tiers = [tier.start for each in vars(price).values() if isinstance(each, TieredPrices) for tier in each.tiers]
    return min(tiers, default=1 << 62)


def _usage(row: TokenRow) -> Usage:
    """The row in the form that genai-prices expects: its input includes the tokens of caches."""
    return Usage(
        input_tokens=row.input + row.cache_read + row.cache_write,
        cache_read_tokens=row.cache_read,
        cache_write_tokens=row.cache_write,
        cache_write_1h_tokens=row.cache_write_1h,
        output_tokens=row.output,
    )
