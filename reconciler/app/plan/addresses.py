"""Addresses, as a user writes them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Address, parse_address
from reconciler.model.errors import UsageError


def addresses(texts: Iterable[str] | None) -> tuple[Address, ...]:
    """Parse addresses. Raises UsageError for the first word that is not an address."""
    return tuple(address(text) for text in texts or ())


def address(text: str) -> Address:
    """Parse one address. Raises UsageError."""
    found = parse_address(text)
    if found is None:
        raise UsageError(f"{text!r} is not an address", fix="write workspace.NAME, agent.WORKSPACE.NAME or broker.NAME")
    return found
