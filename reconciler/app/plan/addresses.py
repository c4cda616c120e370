"""Addresses, as a user writes them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Address, parse_address
from reconciler.model.errors import UsageError


def addresses(texts: Iterable[str] | None) -> tuple[Address, ...]:
    """The addresses that the words spell; UsageError names the first that is none."""
    return tuple(address(text) for text in texts or ())


def address(text: str) -> Address:
    """The address that the word spells, or UsageError."""
    found = parse_address(text)
    if found is None:
        raise UsageError(f"{text!r} is not an address", fix="write workspace.NAME, agent.WORKSPACE.NAME or broker.NAME")
    return found
