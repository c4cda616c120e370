"""Find the values of a registry in its text: their line and column, and how they are written. Pure.

If the rows can be told apart by their lines, only the needed row is parsed: a large registry takes seconds to parse.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from reconciler.text.nodes import AliasNode, At, MappingNode, Node, NotYaml, ScalarNode, SequenceNode, compose

from .parse import BOUNDS
from .spans import RegistryLayout, layout


class Places:
    """The places in one text, which must be a valid registry."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rows: dict[tuple[int, int], Node | None] = {}

    def of(self, path: Sequence[str | int]) -> At:
        """Line and column (from 1) of the value at `path`; if missing, of the deepest part of the path that exists.

        A mapping or list is at the place of its key.
        """
        line, node, rest = self._start(path)
        at, _ = _walked(node, rest)
        return (at[0] + line, at[1])

    def spelling(self, path: Sequence[str | int]) -> str:
        """How the value at `path` is written; empty for a mapping or list."""
        _, node, rest = self._start(path)
        _, found = _walked(node, rest)
        return found.text if isinstance(found, ScalarNode) else ""

    def _start(self, path: Sequence[str | int]) -> tuple[int, Node | None, Sequence[str | int]]:
        """Choose the row or the whole text: the lines before it, its node, and the rest of the path."""
        span = self._span(path)
        row = self._row(span) if span else None
        return (self._text.count("\n", 0, span[0]), row, path[1:]) if span and row else (0, self._whole, path)

    def _span(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        if self._layout is None or len(path) < 2:
            return None
        table = self._layout.tables.get(str(path[0]))
        return table.rows.get(str(path[1])) if table else None

    def _row(self, span: tuple[int, int]) -> Node | None:
        if span not in self._rows:
            self._rows[span] = _composed(self._text[slice(*span)])
        return self._rows[span]

    @cached_property
    def _layout(self) -> RegistryLayout | None:
        return layout(self._text)

    @cached_property
    def _whole(self) -> Node | None:
        return _composed(self._text)


def _composed(text: str) -> Node | None:
    """The node of a text; None if it is not YAML, though our own row reader accepts it."""
    try:
        return compose(text, BOUNDS)
    except NotYaml:
        return None


def _walked(node: Node | None, path: Sequence[str | int]) -> tuple[At, Node | None]:
    """The place and value at the end of the path; without a value, the place of the last part that exists."""
    at = node.at if node else (1, 1)
    for name in path:
        entry = _entry(node.target if isinstance(node, AliasNode) else node, name)
        if entry is None:
            return at, None
        key, node = entry
        at = node.at if isinstance(node, ScalarNode) and node.text else key.at
    return at, node.target if isinstance(node, AliasNode) else node


def _entry(node: Node | None, name: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(name, int):
        return (node.items[name], node.items[name]) if name < len(node.items) else None
    entries = node.entries if isinstance(node, MappingNode) else []
    return next(((key, value) for key, value in entries if isinstance(key, ScalarNode) and key.text == name), None)
