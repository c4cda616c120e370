"""Compare two plain structures, and name each difference by its path: `args[1]`, `env.NODE_ENV`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count, takewhile, zip_longest
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from .record import Json

HIDDEN = "(sensitive value)"
Path: TypeAlias = tuple[str | int, ...]
IsSecret: TypeAlias = Callable[[Path, Json], bool]
_Pair: TypeAlias = tuple[int | None, int | None]  # the old and the new place of an item; None where it is absent

_WORD = re.compile(r"[\w-]+")
# Aligning two lists takes time that grows with the square of their length and with the number of equal pairs.
_MOST_ITEMS = 4_000
_MOST_PAIRS = 50_000


class DeepChange(Struct, frozen=True):
    """One difference. `op` is add, remove, replace or move. A sensitive value is never included.

    A number in a path is the item's place in the new list; for a removed item, its place in the old list. `origin` is
    the old path of a moved item. Two lists that differ too much become one `replace` of the whole list.
    """

    path: str
    op: str
    before: Json = None
    after: Json = None
    sensitive: bool = False
    origin: str = ""


def compare(before: Json, after: Json, is_secret: IsSecret = lambda _path, _value: False) -> tuple[DeepChange, ...]:
    """Every difference between two JSON structures; none when they mean the same.

    The order of keys does not count; the order of list items does. `is_secret` gets a path and a value; if it returns
    true, the difference is marked as sensitive and the value is left out.
    """
    return tuple(_deep_change(each, is_secret) for each in _differences((), before, after))


def path_text(path: Path) -> str:
    """The path as text: `agents.a.args[1]`. A key that is not a plain word is quoted: `env["a b"]`."""
    steps = (f"[{json.dumps(step, ensure_ascii=False)}]" if not _is_word(step) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def masked(value: Json, is_secret: IsSecret, path: Path = ()) -> Json:
    """The value with every secret in it hidden."""
    if is_secret(path, value):
        return HIDDEN
    if isinstance(value, dict):
        return {key: masked(each, is_secret, (*path, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each, is_secret, (*path, index)) for index, each in enumerate(value)]
    return value


def differing_items(before: Sequence[Json], after: Sequence[Json]) -> int:
    """How many items of the longer list have no counterpart in the other; 0 when only the order differs."""
    old, new = (Counter(_spelled(each) for each in items) for items in (before, after))
    return max((old - new).total(), (new - old).total())


class _PlainChange(NamedTuple):
    path: Path
    op: str
    before: Json = None
    after: Json = None
    origin: Path = ()


def _is_word(step: str | int) -> bool:
    return isinstance(step, str) and _WORD.fullmatch(step) is not None


def _deep_change(found: _PlainChange, is_secret: IsSecret) -> DeepChange:
    change = DeepChange(path_text(found.path), found.op, origin=path_text(found.origin))
    if any(is_secret(found.path, value) for value in (found.before, found.after) if value is not None):
        return replace(change, sensitive=True)
    before, after = (masked(value, is_secret, found.path) for value in (found.before, found.after))
    return replace(change, before=before, after=after)


def _spelled(value: Json) -> str:
    """A text that only equal values share: `1`, `1.0`, `true` and `"1"` are four different ones."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _differences(path: Path, before: Json, after: Json) -> Iterator[_PlainChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_mappings(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(path, before, after)
    elif _spelled(before) != _spelled(after):
        yield _PlainChange(path, "replace", before, after)


# --- mappings ---------------------------------------------------------------------------------


def _of_mappings(path: Path, before: dict[str, Json], after: dict[str, Json]) -> Iterator[_PlainChange]:
    old, new = _with_spelled_leaves(before), _with_spelled_leaves(after)
    if old == new:
        return
    for kind, below in sorted(_library_differences(old, new), key=lambda each: each[1]):
        if kind == "dictionary_item_added":
            yield _PlainChange((*path, *below), "add", after=_at(after, below))
        elif kind == "dictionary_item_removed":
            yield _PlainChange((*path, *below), "remove", _at(before, below))
        else:
            yield from _differences((*path, *below), _at(before, below), _at(after, below))


def _with_spelled_leaves(value: Json) -> Any:
    """The value with every leaf and list as one text. `_of_lists` compares lists later, if they differ."""
    if isinstance(value, dict):
        return {key: _with_spelled_leaves(each) for key, each in value.items()}
    return _spelled(value)


def _library_differences(old: Any, new: Any) -> Iterator[tuple[str, Path]]:
    for kind, found, _ in _diffed(old, new):
        yield kind, found


def _at(value: Any, path: Path) -> Json:
    for step in path:
        value = value[step]
    return value  # type: ignore[no-any-return] # part of a JSON value


# --- lists ------------------------------------------------------------------------------------


def _of_lists(path: Path, before: list[Json], after: list[Json]) -> Iterator[_PlainChange]:
    old, new = ([_spelled(each) for each in items] for items in (before, after))
    if old == new:
        return
    pairs = _pairs(old, new)
    if pairs is None:
        yield _PlainChange(path, "replace", before, after)
        return
    for was, place in sorted(_with_moves(pairs, old, new), key=_reading_order):
        if was is None and place is not None:
            yield _PlainChange((*path, place), "add", after=after[place])
        elif place is None and was is not None:
            yield _PlainChange((*path, was), "remove", before[was])
        elif was is not None and place is not None and old[was] == new[place]:
            yield _PlainChange((*path, place), "move", before[was], after[place], (*path, was))
        elif was is not None and place is not None:
            yield from _differences((*path, place), before[was], after[place])


def _reading_order(pair: _Pair) -> tuple[int, int]:
    was, place = pair
    return (was if place is None else place) or 0, place is not None


def _pairs(old: list[str], new: list[str]) -> list[_Pair] | None:
    """The items that were changed, added or removed; None when matching them would take too long."""
    head = _equal_at_start(old, new)
    tail = _equal_at_start(old[head:][::-1], new[head:][::-1])
    ours, theirs = old[head : len(old) - tail], new[head : len(new) - tail]
    if not ours or not theirs:
        return [*((head + was, None) for was in range(len(ours))), *((None, head + now) for now in range(len(theirs)))]
    if _is_too_much(ours, theirs):
        return _one_by_one(old, new)
    return [(_placed(head, was), _placed(head, place)) for was, place in _aligned(ours, theirs)]


def _aligned(old: list[str], new: list[str]) -> Iterator[_Pair]:
    """Match the items between two unchanged ones, in their order.

    The library itself matches a removed and an added item with the same index, even when unchanged items lie between.
    """
    found = list(_diffed(old, new))
    gone = {was[0] for kind, was, _ in found if kind != "iterable_item_added"}
    come = {place[0] for kind, _, place in found if kind != "iterable_item_removed"}
    was = place = 0
    while was < len(old) or place < len(new):
        left, right = _run(gone, was), _run(come, place)
        yield from zip_longest(left, right)
        was, place = was + len(left) + 1, place + len(right) + 1


def _run(places: Collection[str | int], start: int) -> list[int]:
    """The consecutive numbers from `start` on that are in `places`."""
    return list(takewhile(places.__contains__, count(start)))


def _placed(head: int, place: int | None) -> int | None:
    return None if place is None else head + place


def _equal_at_start(old: list[str], new: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _is_too_much(old: list[str], new: list[str]) -> bool:
    counts = Counter(new)
    pairs = sum(times * counts[item] for item, times in Counter(old).items())
    return len(old) + len(new) > _MOST_ITEMS or pairs > _MOST_PAIRS


def _one_by_one(old: list[str], new: list[str]) -> list[_Pair] | None:
    """The places that differ; None when the lengths or more than half of the items do."""
    if len(old) != len(new):
        return None
    changed = [place for place in range(len(old)) if old[place] != new[place]]
    return None if len(changed) > len(old) / 2 else [(place, place) for place in changed]


def _with_moves(pairs: list[_Pair], old: list[str], new: list[str]) -> Iterator[_Pair]:
    """The pairs, where an item that was removed in one place and added in another becomes one pair."""
    came: dict[str, list[int]] = {}
    for _, place in sorted((each for each in pairs if each[0] is None), key=_reading_order, reverse=True):
        came.setdefault(new[place or 0], []).append(place or 0)
    for was, place in sorted(pairs, key=_reading_order):
        if was is None:
            continue
        moved = place is None and came.get(old[was])
        yield was, moved.pop() if moved else place
    yield from ((None, place) for places in came.values() for place in places)


def _diffed(old: Any, new: Any) -> Iterator[tuple[str, Path, Path]]:
    """The kind of each difference that the library finds, with its path in the old and in the new structure."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - loads in 0.1 s, and is not needed when nothing differs

    found = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    for kind, items in found.items():
        for item in items:
            yield kind, tuple(item.path(output_format="list")), tuple(item.path(output_format="list", use_t2=True))
