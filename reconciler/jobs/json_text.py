"""JSON texts with an element more, or some less; every other byte stays. Pure.

What is put into an empty container that was there before ends right before its bracket; containers of our
own have a line break there. So it can be told afterwards which of the empty ones have to go again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from reconciler.model.read_json import read_json
from reconciler.model.record import Json

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_STEP = "  "


class _Item(NamedTuple):
    """An element of a list, or a member of an object, whose value begins at `at`."""

    start: int
    at: int
    end: int
    key: str
    value: Any


class _Container(NamedTuple):
    """A list or an object, by the places of its brackets."""

    open: int
    close: int
    items: tuple[_Item, ...]


_Path: TypeAlias = tuple[tuple[_Container, int], ...]
"""From the outermost container on: each container, and which of its items leads to the next one."""


def check(text: str) -> None:
    """Raises ValueError when the text is no JSON object, has comments, or a key that stands twice."""
    if not isinstance(read_json(text, _without_doubles), dict):
        raise ValueError("it is no JSON object")


def appended(text: str, keys: Sequence[str], value: Json) -> str:
    """The text with `value` as the last element of the list that `keys` lead to; what is missing is made.

    Raises:
        ValueError: Something that is no object, or at the end no list, is in the way.
    """
    box = _outermost(text)
    for depth, key in enumerate(keys):
        item = next((item for item in box.items if item.key == key), None)
        if item is None:
            return _inserted(text, box, f"{json.dumps(key)}: ", _nested(keys[depth + 1 :], [value]))
        is_last = depth == len(keys) - 1
        if not isinstance(item.value, list if is_last else dict):
            raise ValueError(f"`{'.'.join(keys[: depth + 1])}` is no {'list' if is_last else 'object'}")
        box = _container(text, item.at)
    return _inserted(text, box, "", value)


def without(text: str, is_meant: Callable[[Json], bool]) -> str:
    """The text without the values that are meant, and without containers of ours that hold nothing else.

    Nothing is left when the outermost one is such a container.
    """
    while text and (path := next(_paths(text, _outermost(text), is_meant), None)):
        text = _cut(text, path)
    return text


def found(text: str, is_meant: Callable[[Json], bool]) -> list[Json]:
    """The values that are meant, in their order."""
    paths = _paths(text, _outermost(text), is_meant)
    return [container.items[index].value for *_, (container, index) in paths]


# --- one more ---------------------------------------------------------------------------------


def _nested(keys: Sequence[str], value: Json) -> Json:
    for key in reversed(keys):
        value = {key: value}
    return value


def _inserted(text: str, box: _Container, label: str, value: Json) -> str:
    """The value behind the last item, laid out as the first one is."""
    at = box.items[-1].end if box.items else box.close
    gap = text[box.open + 1 : box.items[0].start if box.items else box.close]
    newline = "\r\n" if "\r\n" in text else "\n"
    margin = newline + gap.rpartition("\n")[2] if "\n" in gap else newline
    lines = json.dumps(value, indent=_step(text), ensure_ascii=False).replace("\n", margin)
    return text[:at] + f",{gap}" * bool(box.items) + label + lines + text[at:]


def _step(text: str) -> str:
    """How much deeper this text indents what is inside."""
    root = _outermost(text)
    margin = text[root.open + 1 : root.items[0].start].rpartition("\n")[2] if root.items else ""
    return margin or _STEP


# --- some less --------------------------------------------------------------------------------


def _paths(text: str, box: _Container, is_meant: Callable[[Json], bool]) -> Iterator[_Path]:
    for index, item in enumerate(box.items):
        here = (box, index)
        if is_meant(item.value):
            yield (here,)
        elif isinstance(item.value, dict | list):
            yield from ((here, *below) for below in _paths(text, _container(text, item.at), is_meant))


def _cut(text: str, path: _Path) -> str:
    *outer, (box, index) = path
    item = box.items[index]
    if index:
        return text[: box.items[index - 1].end] + text[item.end :]
    if len(box.items) > 1:
        return text[: item.start] + text[box.items[1].start :]
    if box.close == item.end:
        return text[: item.start] + text[item.end :]
    return _cut(text, tuple(outer)) if outer else ""


# --- where things stand -----------------------------------------------------------------------


def _outermost(text: str) -> _Container:
    return _container(text, _behind_space(text, 0))


def _container(text: str, at: int) -> _Container:
    """The container whose bracket is at `at`, in a text that is valid JSON."""
    items: list[_Item] = []
    position = _behind_space(text, at + 1)
    while text[position] not in "]}":
        items.append(_item(text, position, named=text[at] == "{"))
        position = _behind_space(text, items[-1].end)
        if text[position] == ",":
            position = _behind_space(text, position + 1)
    return _Container(at, position, tuple(items))


def _item(text: str, start: int, *, named: bool) -> _Item:
    key, at = "", start
    if named:
        key, end = _DECODER.raw_decode(text, start)
        at = _behind_space(text, text.index(":", end) + 1)
    value, end = _DECODER.raw_decode(text, at)
    return _Item(start, at, end, key, value)


def _behind_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    return content
