"""Load the price list when a price is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.model.extras import missing_extra

if TYPE_CHECKING:
    from reconciler.usage.prices import PriceCalculator


def price_calculator(providers: Mapping[str, str]) -> PriceCalculator:
    """The price list. `providers` has the provider of each CLI's models.

    Raises:
        ReconcilerError: The package with the list is not installed.
    """
    try:
        from reconciler.usage.prices import PriceCalculator  # takes 0.3 s, and most calls only count tokens
    except ImportError as error:
        raise missing_extra("the price list", "prices") from error
    return PriceCalculator(providers)
