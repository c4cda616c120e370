"""Differences inside lists and mappings: the JSON document, and lines that name the path of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.model.deep import HIDDEN, DeepChange, compare, differing_items
from reconciler.model.record import Json

if TYPE_CHECKING:
    from .documents.change import DeepChangeDoc


SYMBOLS = {"add": "+", "remove": "-", "replace": "~", "move": "~"}
MOST_LINES = 20
_LONGEST = 120  # characters of a value
_BEFORE = 20  # characters shown before the first one that differs
_BARE = re.compile(r"(?![-+.]*\d|(?:true|false|null)$)[\w/~.+@$%-][\w/~.:+@=%,$#*(){}-]*", re.IGNORECASE)


def deep_document(change: DeepChange) -> DeepChangeDoc:
    """A difference as published, without sensitive values."""
    document: DeepChangeDoc = {
        "path": change.path,
        "op": change.op,  # type: ignore[typeddict-item] # one of the four, by construction
        "before": None if change.sensitive else change.before,
        "after": None if change.sensitive else change.after,
        "sensitive": change.sensitive,
    }
    if change.op == "move":
        document["from"] = change.origin
    return document


def item_documents(path: str, before: list[Json], after: list[Json]) -> list[DeepChangeDoc]:
    """The items that differ between two lists, as published; `path` is the path of the lists."""
    found = compare(before, after)
    return [deep_document(replace(each, path=path + each.path, origin=path + each.origin)) for each in found]


def deep_lines(changes: Iterable[DeepChangeDoc], name: str) -> Iterator[str]:
    """One line per difference, `name` before its path; a long list gets its first ones and the number of the rest."""
    for field, within in groupby(changes, lambda change: change["path"].partition("[")[0]):
        found = list(within)
        shown = len(found) if len(found) <= MOST_LINES + 1 else MOST_LINES
        for change in found[:shown]:
            yield f"{SYMBOLS[change['op']]} {_named(name, change['path'])}: {_values(change)}"
        if len(found) > shown:
            yield f"~ {_named(name, field)}: {more_text(len(found) - shown)}"


def more_text(number: int) -> str:
    """The sentence about differences that are only counted."""
    return f"{number:,} more differences (--json has all)"


def _named(name: str, path: str) -> str:
    return f"{name}{'' if not path or path[0] == '[' else ' '}{path}"


def _values(change: DeepChangeDoc) -> str:
    if change["sensitive"]:
        return HIDDEN
    before, after = change["before"], change["after"]
    match change["op"]:
        case "add":
            return value_text(after)
        case "remove":
            return value_text(before)
        case "move":
            return f"{value_text(after)} (was {change['from']})"
        case _:
            return both_text(before, after)


def value_text(value: Json) -> str:
    """A value in one line: plain words as they are, all else as JSON; a long value is cut."""
    bare = isinstance(value, str) and _BARE.fullmatch(value)
    text = str(value) if bare else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def both_text(before: Json, after: Json) -> str:
    """Two different values; long texts with the same beginning are shown from where they differ."""
    if isinstance(before, list) and isinstance(after, list):
        return lists_text(before, after)
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > _LONGEST:
        start = _common(before, after) - _BEFORE
        if start > 0:
            return f"{_from(before, start)} -> {_from(after, start)}"
    return f"{value_text(before)} -> {value_text(after)}"


def lists_text(before: list[Json], after: list[Json]) -> str:
    """How many items differ in two lists that are not compared item by item."""
    count = differing_items(before, after)
    longest = max(len(before), len(after))
    return f"{count:,} of {longest:,} items differ" if count else f"the same {longest:,} items in another order"


def _from(text: str, start: int) -> str:
    return f"...{value_text(text[start:])}"


def _common(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(one), len(other)))


def block_lines(name: str, block: Json) -> Iterator[str]:
    """A manifest block as lines: `name` and one line per key, or `name` with its value."""
    if not isinstance(block, dict):
        yield f"{name}: {value_text(block)}"
        return
    yield name
    yield from (f"    {key}: {value_text(each)}" for key, each in block.items())
