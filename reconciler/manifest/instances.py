"""Turn each block with `for_each` or `count` into its instances, before variables are filled in. Pure.

An instance is an ordinary block with the name `NAME[KEY]`. References such as `${each.key}` are replaced by the text
that the manifest gives, so a `${NAME}` in it is filled in afterwards like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from reconciler.model.address import instance_name
from reconciler.model.diagnostic import Diagnostic

from .document import Document, mistake, suggestion
from .rules import REPEATED

_EACH = re.compile(r"\$\$\{|\$\{each(?P<steps>\.[^}]*)\}")
_MOST = 10_000  # instances in one file: a slip of the keyboard in `count` must not take all memory


class _Item(NamedTuple):
    """One item of a `for_each`: its key and its value."""

    key: str
    value: Any


class _Repeated(Struct, frozen=True):
    """A document whose blocks are repeated, and what is found wrong on the way."""

    document: Document
    mistakes: list[Diagnostic]

    def wrong(self, path: str, summary: str, fix: str, detail: str = "") -> None:
        """Note a mistake at `path`."""
        self.mistakes.append(mistake(summary, self.document.place(path), detail=detail, fix=fix))


def repeats(block: Mapping[str, Any]) -> bool:
    """Whether the block of a workspace or agent declares instances."""
    return not REPEATED.isdisjoint(block)


def with_instances(workspaces: Mapping[str, Any], document: Document) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The workspaces of `document` with every instance written out, and the mistakes in `for_each` and `count`."""
    found = _Repeated(document, [])
    return dict(_workspaces(found, workspaces)), found.mistakes


def _workspaces(found: _Repeated, workspaces: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, block in workspaces.items():
        path = f"workspaces.{name}"
        for own_name, own in _instances(found, name, block, path):
            agents = dict(_agents(found, own.get("agents", {}), f"{path}.agents"))
            yield own_name, {**own, "agents": agents} if agents else own


def _agents(found: _Repeated, agents: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, block in agents.items():
        if block and repeats(block):
            yield from _instances(found, name, block, f"{path}.{name}")
        else:
            yield name, block


def _instances(found: _Repeated, name: str, block: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """The instances that `block` declares; the block itself if it declares none."""
    if not repeats(block):
        yield name, block
        return
    rest = {key: value for key, value in block.items() if key not in REPEATED}
    for item in _items(found, block, path):
        yield instance_name(name, item.key), _filled(found, rest, path, item)


def _items(found: _Repeated, block: Mapping[str, Any], path: str) -> list[_Item]:
    if block.keys() >= REPEATED:
        fix = "keep one of them: `count` makes the keys 1, 2, ..."
        found.wrong(f"{path}.count", f"`{path}` has both `for_each` and `count`", fix)
    if "count" in block:
        return _counted(found, block["count"], f"{path}.count")
    given = block["for_each"]
    if not given:
        fix = "write at least one item; to declare no agents, remove the block"
        found.wrong(f"{path}.for_each", f"`{path}.for_each` is empty", fix)
    elif len(given) > _MOST:
        found.wrong(f"{path}.for_each", f"`{path}.for_each` has more than {_MOST:,} items", "split the block")
        return []
    if isinstance(given, Mapping):
        return [_Item(key, value) for key, value in given.items()]
    _refuse_duplicates(found, given, f"{path}.for_each")
    return [_Item(key, key) for key in dict.fromkeys(given)]


def _counted(found: _Repeated, count: int, path: str) -> list[_Item]:
    if 0 < count <= _MOST:
        return [_Item(str(number), str(number)) for number in range(1, count + 1)]
    fix = f"write a number from 1 to {_MOST:,}; to declare no agents, remove the block"
    found.wrong(path, f"`{path}` is out of range", fix, f"found: {count}"[:60])
    return []


def _refuse_duplicates(found: _Repeated, keys: list[str], path: str) -> None:
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        if first.setdefault(key, index) != index:
            found.wrong(f"{path}.{index}", f"`{key}` is in `{path}` twice", "remove one: each key names one instance")


# --- ${each...} -------------------------------------------------------------------------------


def _filled(found: _Repeated, value: Any, path: str, item: _Item) -> Any:
    """`value` with all references to the item. In agents with a `for_each` of their own, only that is filled."""
    if isinstance(value, str):
        return _text(found, value, path, item) if "${each." in value else value
    if isinstance(value, dict):
        if repeats(value) and path.rpartition(".")[0].endswith(".agents"):
            outer = _filled(found, value.get("for_each"), f"{path}.for_each", item)
            return {**value, "for_each": outer} if "for_each" in value else value
        return {key: _filled(found, inner, f"{path}.{key}", item) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(found, inner, f"{path}.{index}", item) for index, inner in enumerate(value)]
    return value


def _text(found: _Repeated, text: str, path: str, item: _Item) -> str:
    def replaced(reference: re.Match[str]) -> str:
        if reference.group() == "$${":
            return "$${"
        result = _meant(item, reference["steps"].split("."))
        if isinstance(result, str):
            return result
        if not found.document.damaged:  # an invalid `for_each` was left out, and is told already
            found.wrong(path, f"`{reference.group()}` is unknown here", _way_out(item, reference["steps"]), text)
        return ""

    return _EACH.sub(replaced, text)


def _meant(item: _Item, steps: list[str]) -> Any:
    """The text that the steps after `each` lead to; None if they lead to none."""
    match steps:
        case ["", "key"]:
            return item.key
        case ["", "value", *fields]:
            value = item.value
            for field in fields:
                value = value.get(field) if isinstance(value, Mapping) else None
            return _spelt(value)
        case _:
            return None


def _spelt(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _way_out(item: _Item, steps: str) -> str:
    if not isinstance(item.value, Mapping):
        return "write `${each.key}` or `${each.value}`"
    if steps == ".value":
        return f"name a field: `${{each.value.{next(iter(item.value), 'FIELD')}}}`"
    known = [f"each.value.{field}" for field in item.value]
    return f"{suggestion(f'each{steps}', ['each.key', *known])} (item `{item.key}`)"
