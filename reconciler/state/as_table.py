"""The text of a registry whose sessions are a list, with the list as a mapping: comments and order stay. Pure.

In block style only the lines that name a session change, and the indentation of a list that has none. Any other list
is written anew; then comments inside of it are lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.model.errors import ReconcilerError
from reconciler.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, compose
from reconciler.text.patch import Patch, Unpatchable, believed, patched
from reconciler.text.quoting import scalar
from reconciler.text.roundtrip import Rewriting
from reconciler.text.roundtrip import rewritten as rewritten_by_library

from .listed import NAMES
from .parse import BOUNDS, parsed
from .rows import Fields

_STEP = "  "  # in front of each line of a list without indentation


def listed_as_table(text: str, listed: Fields, table: Fields) -> str:
    """`text`, which says `listed`, made to say `table`: the same with the sessions by their names.

    Raises:
        ReconcilerError: It can be written in no way that reads back.
    """
    try:
        return believed(_in_place(text), table, parsed)
    except Unpatchable:
        pass
    try:
        return believed(rewritten_by_library(text, Rewriting(listed, table)), table, parsed)
    except Unpatchable as error:
        raise ReconcilerError(
            "the list `sessions` in the registry cannot be made a mapping",
            detail=str(error),
            fix="write it as a mapping, each row under the session's name",
        ) from error


def _in_place(text: str) -> str:
    items, end = _items(text)
    start = text.rfind("\n", 0, items[0].span[0]) + 1
    if text[start] != " ":  # as a list may be, and a mapping may not
        text = text[:start] + re.sub(r"^(?=.)", _STEP, text[start:end], flags=re.MULTILINE) + text[end:]
        items, _ = _items(text)
    return patched(text, (patch for item in items for patch in _patches(text, item)))


def _items(text: str) -> tuple[list[MappingNode], int]:
    """The entries of the list, and where the next section begins."""
    node = compose(text, BOUNDS)
    sections = node.entries if isinstance(node, MappingNode) else []
    names = [key.text if isinstance(key, ScalarNode) else "" for key, _ in sections]
    at = names.index("sessions") if "sessions" in names else len(names)
    found = sections[at][1] if at < len(names) else None
    items = found.items if isinstance(found, SequenceNode) and not found.flow else []
    blocks = [item for item in items if isinstance(item, MappingNode) and not item.flow]
    if not blocks or len(blocks) < len(items):
        raise Unpatchable("the list is not in block style")
    return blocks, sections[at + 1][0].span[0] if at + 1 < len(sections) else len(text)


def _patches(text: str, item: MappingNode) -> Iterator[Patch]:
    """What makes `- name: X` the key `X:`, and the keys beside it what is under it."""
    dash = text.rfind("-", 0, item.span[0])
    start = item.span[0]
    if dash < 0 or text[dash:start].strip() != "-":
        raise Unpatchable("an entry does not begin with a dash")
    (key, value), *others = _with_name(item)
    if not isinstance(value, ScalarNode):  # the name is the one key
        yield Patch(dash, start, "")
        return
    head = f"{scalar(value.text)}:"
    end = value.span[1]
    if key.span[0] == start:
        if not others:
            raise Unpatchable("a session has nothing but a name")
        yield Patch(dash, end, head)
        return
    margin = " " * (start - text.rfind("\n", 0, start) - 1)
    yield Patch(dash, start, f"{head}\n{margin}")
    line = text.rfind("\n", 0, key.span[0]) + 1
    after = text.index("\n", end) if "\n" in text[end:] else len(text)
    comment = text[end:after].strip()
    yield Patch(key.span[0], end, "") if comment else Patch(line, after + 1, "")


def _with_name(item: MappingNode) -> list[tuple[Node, Node]]:
    """The entries, the one that holds the name first."""
    entries = item.entries
    keys = [key.text if isinstance(key, ScalarNode) else "" for key, _ in entries]
    name = next((each for each in NAMES if each in keys), None)
    at = keys.index(name) if name else 0
    return [entries[at], *entries[:at], *entries[at + 1 :]]
