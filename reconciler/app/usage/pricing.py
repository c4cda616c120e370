"""Load the price list when a price is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.model.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.usage.prices import PriceBook


def price_book(providers: Mapping[str, str]) -> PriceBook:
    """The price list. `providers` has the provider of each CLI's models.

    Raises:
        ReconcilerError: The package with the list is not installed.
    """
    try:
        from reconciler.usage.prices import PriceBook  # takes 0.3 s, and most calls ask for tokens only
    except ImportError as error:
        fix = "pip install 'agent-reconciler[prices]'; or leave money out"
        raise ReconcilerError("no price list is installed", detail=str(error), fix=fix) from error
    return PriceBook(providers)
