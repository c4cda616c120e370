"""Load the price list when a price is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.model.errors import ReconcilerError

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
        fix = "pip install 'agent-reconciler[prices]', or leave out what needs prices"
        raise ReconcilerError("no price list is installed", detail=str(error), fix=fix) from error
    return PriceCalculator(providers)
