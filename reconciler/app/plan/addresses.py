"""Addresses, as a user writes them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Address, instance_name, parse_address
from reconciler.model.errors import UsageError


def addresses(texts: Iterable[str] | None) -> tuple[Address, ...]:
    """Parse addresses. Raises UsageError for the first word that is not an address."""
    return tuple(address(text) for text in texts or ())


def address(text: str) -> Address:
    """Parse one address. The key of an instance may follow a dot: a shell leaves that alone. Raises UsageError."""
    found = parse_address(text) or _with_dots(text)
    if found is None:
        raise UsageError(f"{text!r} is not an address", fix="write workspace.NAME, agent.WORKSPACE.NAME or broker.NAME")
    return found


def _with_dots(text: str) -> Address | None:
    """The address in `agent.WORKSPACE.NAME.KEY`. The request decides which part the key belongs to."""
    match text.split("."):
        case ["workspace", name, key]:
            return parse_address(f"workspace.{instance_name(name, key)}")
        case ["agent", workspace, name, key]:
            return parse_address(f"agent.{workspace}.{instance_name(name, key)}")
        case ["agent", workspace, outer, name, key]:
            return parse_address(f"agent.{instance_name(workspace, outer)}.{instance_name(name, key)}")
        case _:
            return None
