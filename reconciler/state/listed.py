"""Turn the sessions that an older registry has as a list into a mapping by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.record import Json

from .rows import Fields, WrongShape

NAMES = ("name", "session", "session_name")
_EXPECTED = f"a mapping with its name, as `{NAMES[0]}: NAME`"

_At: TypeAlias = tuple[str | int, ...]


class ListedRows(Struct, frozen=True):
    """The rows by name, the place of each in the list, and what is damaged."""

    rows: dict[str, Json]
    places: Mapping[str, _At]
    wrong: tuple[WrongShape, ...]


def listed_rows(items: Sequence[Json]) -> ListedRows:
    """Read a list of sessions. Each row loses the key with its name."""
    rows: dict[str, Json] = {}
    places: dict[str, _At] = {}
    wrong: list[WrongShape] = []
    for index, item in enumerate(items):
        name = name_of(item)
        where, at = ("sessions", str(index)), ("sessions", index)
        if not name or not isinstance(item, Mapping):
            wrong.append(WrongShape(where, _EXPECTED, item, at=at))
        elif name in rows:
            wrong.append(WrongShape(where, f"the only one called {name}", "one of several", at=at))
        else:
            rows[name], places[name] = _row(item, name), (index, name) if is_single(item) else (index,)
    return ListedRows(rows, places, tuple(wrong))


def name_of(item: Json) -> str:
    """The name of a listed session; empty when it has none."""
    if not isinstance(item, Mapping):
        return ""
    if is_single(item):
        return next(iter(item))
    return next((name for name in map(item.get, NAMES) if isinstance(name, str) and name), "")


def naming_key(item: Fields) -> str:
    """The key that has the name of a listed session."""
    return next(key for key in NAMES if isinstance(item.get(key), str) and item[key])


def is_single(item: Fields) -> bool:
    """Whether the item has the form `NAME: ROW`."""
    return len(item) == 1 and isinstance(next(iter(item.values())), Mapping | None) and next(iter(item)) not in NAMES


def _row(item: Fields, name: str) -> Json:
    if is_single(item):
        return item[name]
    key = naming_key(item)
    return {each: value for each, value in item.items() if each != key}
