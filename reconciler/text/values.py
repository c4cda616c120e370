"""Turn YAML nodes into plain data, with the place of each value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.model.record import Json

from .nodes import (
    AliasNode,
    At,
    Bounds,
    MappingNode,
    Node,
    NotYaml,
    ScalarNode,
    SequenceNode,
    YamlProblem,
    YamlProblemKind,
    compose,
    give_up,
)
from .scalars import resolved

_Entries: TypeAlias = dict[str, tuple[ScalarNode, Node]]


@dataclass(slots=True)
class Content:
    """The content of one text, and the mistakes in it."""

    value: Json = None
    """None also when the text is empty."""
    places: dict[str, At] = field(default_factory=dict)
    """Line and column of each key, by its dotted path."""
    spellings: dict[str, str] = field(default_factory=dict)
    """How each number, flag and null is written, by its dotted path."""
    problems: list[YamlProblem] = field(default_factory=list)
    broken: YamlProblem | None = None
    """The mistake at which the reading stopped, if any."""


def read(text: str, bounds: Bounds) -> Content:
    """The content of `text`, with every YAML mistake in it."""
    content = Content()
    try:
        node = compose(text, bounds)
        if node is not None:
            content.places[""] = node.at
            content.value = _Reader(bounds, content).value(node, "", None, 0)
    except NotYaml as error:
        content.broken = error.problem
    return content


@dataclass(slots=True)
class _Reader:
    """Fills `content`. `via` is the outermost alias on the way to a node, `unfolded` counts nodes in aliases."""

    bounds: Bounds
    content: Content
    unfolded: int = 0

    def value(self, node: Node, path: str, via: AliasNode | None, depth: int) -> Json:
        """The plain data of `node`."""
        self._spend(via, node.at, depth)
        match node:
            case AliasNode():
                return self.value(node.target, path, via or node, depth + 1)
            case ScalarNode():
                return self._scalar(node, path)
            case SequenceNode():
                return [self._item(item, f"{path}.{index}", via, depth) for index, item in enumerate(node.items)]
            case MappingNode():
                return self._mapping(node, path, via, depth)

    def _mapping(self, node: MappingNode, path: str, via: AliasNode | None, depth: int) -> Json:
        value: dict[str, Json] = {}
        for name, (key, inner) in self._entries(node, via, depth).items():
            place = f"{path}.{name}" if path else name
            self.content.places[place] = key.at
            value[name] = self.value(inner, place, via, depth + 1)
        return value

    def _item(self, node: Node, path: str, via: AliasNode | None, depth: int) -> Json:
        self.content.places[path] = node.at
        return self.value(node, path, via, depth + 1)

    def _scalar(self, node: ScalarNode, path: str) -> Json:
        value = resolved(node.text) if node.plain else node.text
        if not isinstance(value, str):
            self.content.spellings[path] = node.text
        return value

    def _spend(self, via: AliasNode | None, at: At, depth: int) -> None:
        if depth > self.bounds.depth:
            give_up(YamlProblemKind.DEPTH, at, str(self.bounds.depth))
        if via is None:
            return
        self.unfolded += 1
        if self.unfolded > self.bounds.unfolded:
            give_up(YamlProblemKind.UNFOLDED, via.at, via.name)

    def _entries(self, table: MappingNode, via: AliasNode | None, depth: int) -> _Entries:
        """The entries of a mapping by key. Its own entries win over those of its merge keys (`<<`)."""
        own: _Entries = {}
        inherited: _Entries = {}
        for key, value in table.entries:
            if not isinstance(key, ScalarNode):
                self.content.problems.append(YamlProblem(YamlProblemKind.KEY, key.at))
            elif key.plain and key.text == "<<":
                for base, through in self._bases(value, via, depth + 1):
                    inherited = {**self._entries(base, through, depth + 1), **inherited}
            elif key.text in own:
                self.content.problems.append(_duplicate(own[key.text], (key, value)))
            else:
                own[key.text] = (key, value)
        return {**inherited, **own}

    def _bases(self, node: Node, via: AliasNode | None, depth: int) -> Iterator[tuple[MappingNode, AliasNode | None]]:
        """The mappings that a merge key names: one mapping, or a list of them in which the first wins."""
        self._spend(via, node.at, depth)
        match node:
            case MappingNode():
                yield node, via
            case AliasNode():
                yield from self._bases(node.target, via or node, depth + 1)
            case SequenceNode():
                for item in node.items:
                    yield from self._bases(item, via, depth + 1)
            case ScalarNode():
                self.content.problems.append(YamlProblem(YamlProblemKind.MERGE, node.at, node.text))


def _duplicate(first: tuple[ScalarNode, Node], second: tuple[ScalarNode, Node]) -> YamlProblem:
    (earlier, before), (key, after) = first, second
    detail = ""
    if isinstance(before, ScalarNode) and isinstance(after, ScalarNode):
        detail = f'with value "{after.text}" (original value: "{before.text}")'
    return YamlProblem(YamlProblemKind.DUPLICATE, key.at, key.text, detail, earlier.at)
