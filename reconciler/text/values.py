"""YAML nodes -> plain data: what a text says, and where it says it."""

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
    """What was found in one text.

    `places` maps dotted paths to line and column of their keys, `spellings` those of numbers, booleans
    and nulls to the way they are written; `value` is None when the text says nothing. `broken` is what
    ended the reading, if anything did.
    """

    value: Json = None
    places: dict[str, At] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    slips: list[YamlProblem] = field(default_factory=list)
    broken: YamlProblem | None = None


def read(text: str, bounds: Bounds) -> Content:
    """What `text` says, with every mistake that is one of YAML."""
    content = Content()
    try:
        node = compose(text, bounds)
        if node is not None:
            content.places[""] = node.at
            content.value = _Reader(bounds, content).value(node, "", None, 0)
    except NotYaml as error:
        content.broken = error.slip
    return content


@dataclass(slots=True)
class _Reader:
    """Fills `content`; `via` is the alias on the way to a node, if any, and `unfolded` counts the nodes behind one."""

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
        """The entries of a mapping by key, those of its merge keys (`<<`) beneath its own."""
        own: _Entries = {}
        inherited: _Entries = {}
        for key, value in table.entries:
            if not isinstance(key, ScalarNode):
                self.content.slips.append(YamlProblem(YamlProblemKind.KEY, key.at))
            elif key.plain and key.text == "<<":
                for base, through in self._bases(value, via, depth + 1):
                    inherited = {**self._entries(base, through, depth + 1), **inherited}
            elif key.text in own:
                self.content.slips.append(_duplicate(own[key.text], (key, value)))
            else:
                own[key.text] = (key, value)
        return {**inherited, **own}

    def _bases(self, node: Node, via: AliasNode | None, depth: int) -> Iterator[tuple[MappingNode, AliasNode | None]]:
        """The mappings that a merge key names: one, or a list of them, the first wins."""
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
                self.content.slips.append(YamlProblem(YamlProblemKind.MERGE, node.at, node.text))


def _duplicate(first: tuple[ScalarNode, Node], second: tuple[ScalarNode, Node]) -> YamlProblem:
    (earlier, before), (key, after) = first, second
    detail = ""
    if isinstance(before, ScalarNode) and isinstance(after, ScalarNode):
        detail = f'with value "{after.text}" (original value: "{before.text}")'
    return YamlProblem(YamlProblemKind.DUPLICATE, key.at, key.text, detail, earlier.at)
