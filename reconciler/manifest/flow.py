"""Format values in braces and brackets that are on one line."""

from __future__ import annotations

import re
from typing import Any

from reconciler.text.nodes import AliasNode, MappingNode, Node, ScalarNode, SequenceNode

from .shape import keys_of, shape_inside

_OPEN = re.compile(r"(?:[&!]\S*[ \t]+)*[\[{][ \t]*")
_COLON = re.compile(r"[ \t]*:[ \t]*")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_CLOSE = re.compile(r"[ \t]*[\]}]")


def in_one_line(text: str, node: Node, shape: Any) -> str | None:
    """A value with single spaces between words, and with the published keys in order.

    None when the value is on several lines, or when this function does not support its layout. Without a `shape`, the
    keys keep their order.
    """
    source = text[slice(*node.span)]
    if "\n" in source:
        return None
    if isinstance(node, ScalarNode | AliasNode):
        return source
    begin = _OPEN.match(text, node.span[0])
    if begin is None:
        return None
    pieces, at = _pieces(text, node, begin.end(), shape)
    end = _CLOSE.fullmatch(text, at, node.span[1])
    if pieces is None or end is None:
        return None
    return f"{begin.group().rstrip()}{', '.join(pieces)}{end.group().strip()}"


def _pieces(text: str, node: SequenceNode | MappingNode, at: int, shape: Any) -> tuple[list[str] | None, int]:
    """The entries between the braces, and the offset after them; None when commas are in unusual places."""
    ranked: list[tuple[int, str]] = []
    ranks = {name: rank for rank, name in enumerate(["<<", *keys_of(shape)])}
    children = node.entries if isinstance(node, MappingNode) else [(None, item) for item in node.items]
    for key, value in children:
        comma = _COMMA.match(text, at) if ranked else None
        if ranked and comma is None:
            return None, at
        piece, at = _piece(text, comma.end() if comma else at, key, value, shape)
        if piece is None:
            return None, at
        rank = ranks.get(key.text, len(ranks)) if isinstance(key, ScalarNode) else 0
        ranked.append((rank if len(ranks) > 1 else 0, piece))
    return [piece for _, piece in sorted(ranked, key=lambda each: each[0])], at


def _piece(text: str, at: int, key: Node | None, value: Node, shape: Any) -> tuple[str | None, int]:
    """One entry or item that begins at the offset `at`, and the offset after it."""
    if key is None:
        item = in_one_line(text, value, shape_inside(shape, "0"))
        return (item, value.span[1]) if value.span[0] == at else (None, at)
    if not isinstance(key, ScalarNode) or key.span[0] != at:
        return None, at
    name = text[slice(*key.span)]
    colon = _COLON.match(text, key.span[1])
    if value.span[0] == value.span[1]:
        return (f"{name}: ", colon.end()) if colon else (name, key.span[1])
    content = in_one_line(text, value, shape_inside(shape, key.text))
    if colon is None or colon.end() != value.span[0] or content is None:
        return None, at
    return f"{name}: {content}", value.span[1]
