"""Turn the `sessions` list of an older registry into a mapping in its text; comments and order stay. Pure.

In a block style list, only the lines with a session's name change, and the indentation if there is none. Any other
list is rewritten completely, which loses the comments inside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.model.errors import ReconcilerError
from reconciler.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, compose
from reconciler.text.patch import Patch, Unpatchable, patched, verified
from reconciler.text.quoting import scalar
from reconciler.text.roundtrip import MappingChange
from reconciler.text.roundtrip import rewritten as rewritten_by_library

from .listed import NAMES
from .parse import BOUNDS, parsed
from .rows import Fields

_STEP = "  "  # in front of each line of a list without indentation


def listed_as_table(text: str, listed: Fields, table: Fields) -> str:
    """Rewrite `text`, whose content is `listed`, so that its content is `table`: the sessions by name.

    Raises:
        ReconcilerError: No rewritten text reads back as `table`.
    """
    try:
        return verified(_in_place(text), table, parsed)
    except Unpatchable:
        pass
    try:
        return verified(rewritten_by_library(text, MappingChange(listed, table)), table, parsed)
    except Unpatchable as error:
        raise ReconcilerError(
            "the list `sessions` in the registry cannot be converted to a mapping",
            detail=str(error),
            fix="convert it by hand: one key for each session, with the session's name",
        ) from error


def _in_place(text: str) -> str:
    items, end = _items(text)
    start = text.rfind("\n", 0, items[0].span[0]) + 1
    if text[start] != " ":  # a list may be without indentation, a mapping may not
        text = text[:start] + re.sub(r"^(?=.)", _STEP, text[start:end], flags=re.MULTILINE) + text[end:]
        items, _ = _items(text)
    return patched(text, (patch for item in items for patch in _patches(text, item)))


def _items(text: str) -> tuple[list[MappingNode], int]:
    """The entries of the list, and the offset of the next section."""
    node = compose(text, BOUNDS)
    sections = node.entries if isinstance(node, MappingNode) else []
    names = [key.text if isinstance(key, ScalarNode) else "" for key, _ in sections]
    at = names.index("sessions") if "sessions" in names else len(names)
    found = sections[at][1] if at < len(names) else None
    items = found.items if isinstance(found, SequenceNode) and not found.flow else []
    mappings = [item for item in items if isinstance(item, MappingNode)]
    if not mappings or len(mappings) < len(items):
        raise Unpatchable("the list is not in block style")
    return mappings, sections[at + 1][0].span[0] if at + 1 < len(sections) else len(text)


def _patches(text: str, item: MappingNode) -> Iterator[Patch]:
    """The patches that turn `- name: X` into the key `X:`, with the other keys of the entry below it."""
    start, end = item.span
    dash = text.rfind("-", 0, start)
    if dash < 0 or text[dash:start].strip() != "-":
        raise Unpatchable("an entry does not begin with a dash")
    entries, at = item.entries, _naming(item)
    key, value = entries[at]
    if not isinstance(value, ScalarNode):  # the entry is already `NAME: {...}`
        yield Patch(dash, key.span[0], "")
        if item.flow:
            yield Patch(value.span[1], end, "")
        return
    if len(entries) == 1:
        raise Unpatchable("a session has only a name")
    head = f"{scalar(value.text)}:"
    if item.flow:
        yield Patch(dash, start, f"{head} ")
        yield _without(entries, at)
    elif at == 0:
        yield Patch(dash, value.span[1], head)
    else:
        margin = " " * (start - text.rfind("\n", 0, start) - 1)
        yield Patch(dash, start, f"{head}\n{margin}")
        yield _without_line(text, key.span[0], value.span[1])


def _without(entries: list[tuple[Node, Node]], at: int) -> Patch:
    """The patch that removes an entry between braces, and one comma."""
    if at + 1 < len(entries):
        return Patch(entries[at][0].span[0], entries[at + 1][0].span[0], "")
    return Patch(entries[at - 1][1].span[1], entries[at][1].span[1], "")


def _without_line(text: str, start: int, end: int) -> Patch:
    """The patch that removes an entry with its line; a comment on the line stays."""
    after = text.find("\n", end)
    after = len(text) if after < 0 else after
    comment = text[end:after].lstrip()
    if comment:
        return Patch(start, after - len(comment), "")
    return Patch(text.rfind("\n", 0, start) + 1, after + 1, "")


def _naming(item: MappingNode) -> int:
    """The position of the entry with the name."""
    keys = [key.text if isinstance(key, ScalarNode) else "" for key, _ in item.entries]
    return next((keys.index(name) for name in NAMES if name in keys), 0)
