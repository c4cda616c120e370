"""Add or remove one entry in the mappings of a YAML text, as patches. Pure.

The nodes only say where things are; the edit changes the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.record import Json

from .characters import newline_of
from .nodes import MappingNode, Node, ScalarNode, SequenceNode
from .patch import Patch, Unpatchable
from .quoting import flow, quoted

_INDENT = 2
_NULLS = {"", "~", "null", "Null", "NULL"}
Path: TypeAlias = Sequence[str]
Entry: TypeAlias = tuple[ScalarNode, Node]


def addition(text: str, root: MappingNode, path: Path, value: Json) -> tuple[Patch, ...]:
    """The patches that put `value` at `path`, where there is no entry yet. The last patch holds the new text.

    Missing mappings on the way are created. Raises Unpatchable when another kind of value is on the way.
    """
    found = _on_the_way(text, root, path)
    name, *rest = path[len(found.way) :]
    nested = value
    for key in reversed(rest):
        nested = {key: nested}
    within = found.tables[-1]
    if isinstance(within, MappingNode) and within.entries:
        return (_in_braces(found, within, name, nested) if within.flow else _below(found, within, name, nested),)
    return _into_nothing(found, within, name, nested)


def first_entries(text: str, content: Mapping[str, Json]) -> tuple[Patch, ...]:
    """The patches that append the entries of `content` to a text without content. The last one holds the new text."""
    end = len(text)
    gap = "" if not text or text.endswith("\n") else "\n"
    lines = [line for name, value in content.items() for line in _block(name, value, 0, _INDENT)]
    return Patch(end, end, gap), Patch(end, end, "\n".join([*lines, ""]))


def removal(text: str, root: MappingNode, path: Path) -> tuple[Patch, ...]:
    """The patches that remove the entry at `path`. A mapping that becomes empty is written `{}`.

    Comments on its lines are removed too, and so are deeper indented comments right below it. Raises Unpatchable
    when the entry is behind an alias, or shares a line with another entry.
    """
    return tuple(_removal(_on_the_way(text, root, path), path))


def item_removal(text: str, root: MappingNode, path: Path, item: str) -> tuple[Patch, ...]:
    """The patches that remove the text `item` from the list at `path`, which keeps others.

    Raises Unpatchable when the list is behind an alias, or the item shares a line of a block with something else.
    """
    found = _on_the_way(text, root, path)
    items = found.tables[-1]
    if len(found.way) != len(path) or not isinstance(items, SequenceNode):
        raise Unpatchable("the list is not written in this place, but comes from an alias or a merge key")
    texts = [each.text if isinstance(each, ScalarNode) else "" for each in items.items]
    if item not in texts or len(texts) == 1:
        raise Unpatchable("the list has no such item, or only that one")
    return (_cut_item(text, items, texts.index(item)),)


def _cut_item(text: str, items: SequenceNode, at: int) -> Patch:
    node = items.items[at]
    if items.flow:
        if at:
            return Patch(items.items[at - 1].span[1], node.span[1], "")
        return Patch(node.span[0], items.items[1].span[0], "")
    start = text.rfind("\n", 0, node.span[0]) + 1
    if text[start : node.span[0]].strip() != "-":
        raise Unpatchable("something else is before it on its line")
    end = _line_end(text, node.span[1])
    return Patch(start, min(end + 1, len(text)) if text[end : end + 1] == "\n" else _line_end(text, end) + 1, "")


class _Way(Struct, frozen=True):
    """A text and the entries along a path in it, outermost first, as far as they exist."""

    text: str
    root: MappingNode
    way: tuple[Entry, ...]

    @property
    def tables(self) -> tuple[Node, ...]:
        """The root, and the values along the path."""
        return (self.root, *(value for _, value in self.way))


def _on_the_way(text: str, root: MappingNode, path: Path) -> _Way:
    way: list[Entry] = []
    node: Node = root
    for name in path:
        entry = _own_entry(node, name)
        if entry is None:
            break
        way.append(entry)
        node = entry[1]
    return _Way(text, root, tuple(way))


def _own_entry(node: Node, name: str) -> Entry | None:
    """The entry that is written in this mapping itself, not one from an alias or a merge key."""
    entries = node.entries if isinstance(node, MappingNode) else []
    return next(((key, value) for key, value in entries if isinstance(key, ScalarNode) and key.text == name), None)


# --- add an entry -----------------------------------------------------------------------------


def _below(found: _Way, within: MappingNode, name: str, value: Json) -> Patch:
    """Add an entry after the last one of a block, with the same indent."""
    indent = _column(within.entries[0][0])
    at = _last_line(found.text, *within.entries[-1], indent)
    return Patch(at, at, _new_lines(found, name, value, indent))


def _new_lines(found: _Way, name: str, value: Json, indent: int) -> str:
    newline = newline_of(found.text)
    return "".join(newline + line for line in _block(name, value, indent, _step(found.root)))


def _into_nothing(found: _Way, within: Node, name: str, value: Json) -> tuple[Patch, ...]:
    """Add the first entry of an empty mapping. In a block, `{}` is replaced by a block mapping."""
    text, holder = found.text, found.tables[-2:-1]
    empty = isinstance(within, MappingNode) or (
        isinstance(within, ScalarNode) and within.plain and within.text in _NULLS
    )
    if not empty or not isinstance(holder[0] if holder else None, MappingNode):
        raise Unpatchable("a value on the way is not a mapping")
    key, block = found.way[-1][0], not _is_flow(holder[0])
    colon = _behind_colon(text, key)
    written = text[colon : within.span[1]]
    if isinstance(within, MappingNode) and not (block and written == " {}"):
        return (_in_braces(found, within, name, value),)
    if not block:
        raise Unpatchable("a key on the way has no value, inside braces")
    at = _line_end(text, colon)
    new = _new_lines(found, name, value, _column(key) + _step(found.root))
    return Patch(colon, colon + len(written), ""), Patch(at, at, new)


def _in_braces(found: _Way, within: MappingNode, name: str, value: Json) -> Patch:
    """Add an entry after the last one in braces, on its own line if that one has its own line."""
    new = f"{quoted(name)}: {flow(value)}"
    if not within.entries:
        at = found.text.index("{", within.span[0]) + 1
        return Patch(at, at, new)
    key, last = within.entries[-1]
    start, at = key.span[0], _behind(found.text, key, last)
    margin = found.text[found.text.rfind("\n", 0, start) + 1 : start]
    is_beside = margin.strip() or "\n" not in found.text[within.span[0] : start]
    between = " " if is_beside else newline_of(found.text) + margin
    return Patch(at, at, f",{between}{new}")


def _block(name: str, value: Json, indent: int, step: int) -> list[str]:
    """The lines of an entry. A mapping without inner mappings is written on one line."""
    head = f"{' ' * indent}{quoted(name)}:"
    if not isinstance(value, Mapping) or not any(isinstance(inner, Mapping) for inner in value.values()):
        return [f"{head} {flow(value)}"]
    return [head, *(line for key, inner in value.items() for line in _block(key, inner, indent + step, step))]


# --- remove an entry --------------------------------------------------------------------------


def _removal(found: _Way, path: Path) -> Iterator[Patch]:
    holder = found.tables[-2] if len(found.way) == len(path) else None
    if not isinstance(holder, MappingNode):
        raise Unpatchable("the entry is not written in this place, but comes from an alias or a merge key")
    key, value = found.way[-1]
    if holder.flow:
        yield _cut_in_braces(found.text, holder, (key, value))
        return
    start = found.text.rfind("\n", 0, key.span[0])
    if found.text[start + 1 : key.span[0]].strip():
        raise Unpatchable("something else is before it on its line")
    start -= found.text[start - 1 : start] == "\r"
    yield Patch(max(start, 0), _last_line(found.text, key, value, _column(key)), "")
    if len(holder.entries) == 1 and len(found.way) > 1:
        colon = _behind_colon(found.text, found.way[-2][0])
        yield Patch(colon, colon, " {}")


def _cut_in_braces(text: str, holder: MappingNode, entry: Entry) -> Patch:
    """Remove the entry with one comma: the one before it, else the one after it."""
    at = holder.entries.index(entry)
    start, end = entry[0].span[0], _behind(text, *entry)
    if at:
        before = _behind(text, *holder.entries[at - 1])
        return Patch(before, end, "")
    following = holder.entries[at + 1][0].span[0] if len(holder.entries) > 1 else end
    return Patch(start, following, "")


# --- positions --------------------------------------------------------------------------------


def _is_flow(node: Node) -> bool:
    return isinstance(node, MappingNode) and node.flow


def _column(key: Node) -> int:
    return key.at[1] - 1


def _step(root: MappingNode) -> int:
    """How many spaces this text uses per level."""
    blocks = (value for _, value in root.entries if isinstance(value, MappingNode) and value.entries)
    first = next((value for value in blocks if not value.flow), None)
    return _column(first.entries[0][0]) - _column(root.entries[0][0]) if first else _INDENT


def _behind_colon(text: str, key: Node) -> int:
    colon = text.find(":", key.span[1])
    if colon < 0:
        raise Unpatchable("a key on the way has no colon")
    return colon + 1


def _behind(text: str, key: Node, value: Node) -> int:
    """The offset after an entry in braces. An entry without a value ends after its colon and one space."""
    end = max(key.span[1], value.span[1])
    colon = re.compile(r"\s*: ?").match(text, end) if value.span[0] == value.span[1] else None
    return colon.end() if colon else end


def _last_line(text: str, key: Node, value: Node, indent: int) -> int:
    """The end of the last line of an entry, including deeper indented comments right below it."""
    end = _line_end(text, len(text[: max(key.span[1], value.span[1])].rstrip()))
    while (comment := re.compile(r"\r?\n( *)#").match(text, end)) and len(comment[1]) > indent:
        end = _line_end(text, comment.end())
    return end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - (text[end - 1 : end] == "\r")
