"""Add, remove, rename and find values in a JSON text; every other character stays. Pure.

A value that is added to an existing empty container ends right before its bracket. Containers that we create have a
line break there. So a later removal can see which empty containers were ours and have to be removed too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from reconciler.model.read_json import read_json
from reconciler.model.record import Json

from .characters import line_and_column, newline_of
from .patch import Patch, edited

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_STEP = "  "


class JsonItem(NamedTuple):
    """An element of an array or a member of an object, from `start` to `end`. Its value begins at `at`."""

    start: int
    at: int
    end: int
    key: str
    value: Any


class JsonContainer(NamedTuple):
    """An array or an object, with the positions of its brackets."""

    open: int
    close: int
    items: tuple[JsonItem, ...]


_Path: TypeAlias = tuple[tuple[JsonContainer, int], ...]
"""From the outermost container on, each container with the index of the item that leads to the next one."""


def check(text: str) -> None:
    """Raise ValueError, with the place, when the text is not a JSON object, has comments, or has a duplicate key."""
    if not isinstance(read_json(text), dict):
        raise ValueError("it is not a JSON object")
    if second := next(_repeated(text, _outermost(text)), None):
        raise ValueError(f"`{second.key}` is defined twice: {_place(text, second)}")


def appended(text: str, keys: Sequence[str], value: Json) -> str:
    """The text with `value` appended to the array at `keys`. Missing objects and arrays are created.

    Raises:
        ValueError: A value on the way is not an object, or the last one is not an array.
        Unpatchable: The new text does not say what was intended.
    """
    patch = _addition(text, keys, value)
    return edited(text, [patch], _with(read_json(text), keys, value), read_json)


def without(text: str, is_meant: Callable[[Json], bool]) -> str:
    """The text without the values for which `is_meant` is true, and without containers of ours that become empty.

    The result is empty when the outermost container is removed.
    """
    while text and (path := next(_paths(text, _outermost(text), is_meant), None)):
        gone = _outermost_to_go(path)
        if not gone:
            return ""
        text = edited(text, [_removal(gone)], _left(read_json(text), gone), read_json)
    return text


def found(text: str, is_meant: Callable[[Json], bool]) -> list[Json]:
    """The values for which `is_meant` is true, in their order."""
    paths = _paths(text, _outermost(text), is_meant)
    return [container.items[index].value for *_, (container, index) in paths]


def element_places(text: str, key: str) -> tuple[tuple[int, int], ...]:
    """Where the elements of the array begin that is the member `key` of the outermost object: line and column.

    The text is valid JSON. It tells of no elements when there is no such array.
    """
    box = _outermost(text)
    member = next((item for item in reversed(box.items) if item.key == key), None)
    if text[box.open] != "{" or member is None or not isinstance(member.value, list):
        return ()
    return tuple(line_and_column(text, item.start) for item in _container(text, member.at).items)


def places(text: str) -> Mapping[str, tuple[int, int]]:
    """Line and column of each member of an object, and of the objects in it: `broker`, `broker.port`.

    Of two members with the same key the last one counts, as in JSON parsers. Empty if the text is not an object.
    """
    if not text[_behind_space(text, 0) :].startswith("{"):
        return {}
    return {name: line_and_column(text, item.start) for name, item in _members(text, _outermost(text))}


def renamed(text: str, keys: Sequence[str], name: str, value: Json) -> str:
    """The text with another name and value for the member at `keys`. Every other character stays.

    Raises:
        ValueError: There is no such member, or the text has a duplicate key.
        Unpatchable: The new text does not say what was intended.
    """
    check(text)
    box = _outermost(text)
    for key in keys[:-1]:
        box = _container(text, _named(box, key).at)
    item = _named(box, keys[-1])
    patch = Patch(item.start, item.end, f"{json.dumps(name)}: {json.dumps(value)}")
    return edited(text, [patch], _renamed(read_json(text), keys, name, value), read_json)


def _members(text: str, box: JsonContainer) -> Iterator[tuple[str, JsonItem]]:
    for item in box.items:
        yield item.key, item
        if isinstance(item.value, dict):
            yield from ((f"{item.key}.{below.key}", below) for below in _container(text, item.at).items)


def _named(box: JsonContainer, key: str) -> JsonItem:
    item = next((item for item in box.items if item.key == key), None)
    if item is None:
        raise ValueError(f"`{key}` is missing")
    return item


def _renamed(content: dict[str, Any], keys: Sequence[str], name: str, value: Json) -> dict[str, Any]:
    key, *rest = keys
    if rest:
        return {**content, key: _renamed(content[key], rest, name, value)}
    return {**{each: kept for each, kept in content.items() if each != key}, name: value}


# --- add --------------------------------------------------------------------------------------


def _addition(text: str, keys: Sequence[str], value: Json) -> Patch:
    box = _outermost(text)
    for depth, key in enumerate(keys):
        item = next((item for item in box.items if item.key == key), None)
        if item is None:
            return _insertion(text, box, f"{json.dumps(key)}: ", _nested(keys[depth + 1 :], [value]))
        is_last = depth == len(keys) - 1
        if not isinstance(item.value, list if is_last else dict):
            kind = "list" if is_last else "JSON object"
            raise ValueError(f"`{'.'.join(keys[: depth + 1])}` is not a {kind}: {_place(text, item)}")
        box = _container(text, item.at)
    return _insertion(text, box, "", value)


def _nested(keys: Sequence[str], value: Json) -> Json:
    for key in reversed(keys):
        value = {key: value}
    return value


def _with(content: dict[str, Any], keys: Sequence[str], value: Json) -> dict[str, Any]:
    key, *rest = keys
    if not rest:
        return {**content, key: [*content.get(key, []), value]}
    return {**content, key: _with(content.get(key, {}), rest, value)}


def _insertion(text: str, box: JsonContainer, label: str, value: Json) -> Patch:
    """Insert the value after the last item, with the layout of the first item."""
    at = box.items[-1].end if box.items else box.close
    gap = text[box.open + 1 : box.items[0].start if box.items else box.close]
    newline = newline_of(text)
    margin = newline + gap.rpartition("\n")[2] if "\n" in gap else newline
    lines = json.dumps(value, indent=_step(text), ensure_ascii=False).replace("\n", margin)
    return Patch(at, at, f",{gap}" * bool(box.items) + label + lines)


def _step(text: str) -> str:
    """The indent that this text uses per level."""
    root = _outermost(text)
    margin = text[root.open + 1 : root.items[0].start].rpartition("\n")[2] if root.items else ""
    return margin or _STEP


# --- remove -----------------------------------------------------------------------------------


def _paths(text: str, box: JsonContainer, is_meant: Callable[[Json], bool]) -> Iterator[_Path]:
    for index, item in enumerate(box.items):
        here = (box, index)
        if is_meant(item.value):
            yield (here,)
        elif isinstance(item.value, dict | list):
            yield from ((here, *below) for below in _paths(text, _container(text, item.at), is_meant))


def _outermost_to_go(path: _Path) -> _Path:
    """The path of what to remove: the item itself, or the outermost container of ours that would be empty after it."""
    while path:
        box, index = path[-1]
        if len(box.items) > 1 or box.close == box.items[index].end:
            return path
        path = path[:-1]
    return path


def _removal(path: _Path) -> Patch:
    """Remove the item with one comma: the one before it, else the one after it."""
    box, index = path[-1]
    item = box.items[index]
    if index:
        return Patch(box.items[index - 1].end, item.end, "")
    following = box.items[1].start if len(box.items) > 1 else item.end
    return Patch(item.start, following, "")


def _left(content: Any, path: _Path) -> Any:
    """The content without the value at `path`."""
    (box, index), *rest = path
    if isinstance(content, list):
        inner = [_left(content[index], tuple(rest))] if rest else []
        return [*content[:index], *inner, *content[index + 1 :]]
    key = box.items[index].key
    if rest:
        return {**content, key: _left(content[key], tuple(rest))}
    return {name: value for name, value in content.items() if name != key}


# --- positions --------------------------------------------------------------------------------


def _place(text: str, item: JsonItem) -> str:
    line, column = line_and_column(text, item.start)
    return f"line {line} column {column}"


def _repeated(text: str, box: JsonContainer) -> Iterator[JsonItem]:
    """The members with the same key as another member of their object."""
    counts = Counter(item.key for item in box.items) if text[box.open] == "{" else Counter[str]()
    for item in reversed(box.items):
        if counts[item.key] > 1:
            yield item
        if isinstance(item.value, dict | list):
            yield from _repeated(text, _container(text, item.at))


def _outermost(text: str) -> JsonContainer:
    return _container(text, _behind_space(text, 0))


def _container(text: str, at: int) -> JsonContainer:
    """The container whose opening bracket is at `at`. The text must be valid JSON."""
    items: list[JsonItem] = []
    position = _behind_space(text, at + 1)
    while text[position] not in "]}":
        items.append(_item(text, position, named=text[at] == "{"))
        position = _behind_space(text, items[-1].end)
        if text[position] == ",":
            position = _behind_space(text, position + 1)
    return JsonContainer(at, position, tuple(items))


def _item(text: str, start: int, *, named: bool) -> JsonItem:
    key, at = "", start
    if named:
        key, end = _DECODER.raw_decode(text, start)
        at = _behind_space(text, text.index(":", end) + 1)
    value, end = _DECODER.raw_decode(text, at)
    return JsonItem(start, at, end, key, value)


def _behind_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
