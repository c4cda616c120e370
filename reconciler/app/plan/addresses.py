"""Addresses and short names, as a user writes them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Address, instance_name, parse_address


def addresses(texts: Iterable[str] | None) -> tuple[Address, ...]:
    """Those of the words that are addresses."""
    return tuple(found for text in texts or () if (found := _address(text)))


def short_names(texts: Iterable[str] | None) -> tuple[str, ...]:
    """The other words: what they stand for is known when the manifests have been read."""
    return tuple(text for text in texts or () if not _address(text))


def _address(text: str) -> Address | None:
    """The address that `text` spells. The key of an instance may follow a dot: a shell leaves that alone."""
    return parse_address(text) or _with_dots(text)


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
