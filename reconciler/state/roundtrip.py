"""YAML text changed by a round trip: comments, order, quoting and the spelling of values stay. Pure.

What ruamel.yaml does not keep: blanks after a colon, indentation that varies, comments within braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from reconciler.model.record import Json
from reconciler.model.scalars import is_plain

from .rows import Fields, TableChange

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

_NOT_TEXT = ("null", "bool", "int", "float", "timestamp")
_FIRST_NESTED = re.compile(r"^\S.*\n(?: *(?:#.*)?\n)*( +)[^\s#]", re.MULTILINE)
_FIRST_LIST = re.compile(r"^( *)[^\s#-].*: *\n\1( *)- ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A value that is no text, as the user wrote it: `~`, `TRUE`, `0x1F`."""

    tag: str
    spelling: str

    def __str__(self) -> str:
        return self.spelling


def table_conformed(text: str, change: TableChange) -> str:
    """`text`, a table that says `change.before`, made to say `change.after`."""
    yaml = _yaml(text)
    rows = yaml.load(text)
    _conform_table(rows, change)
    return _dumped(yaml, rows)


def registry_conformed(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> str:
    """`text`, a registry that says `before`, made to say `after`: `changes` and another head."""
    yaml = _yaml(text)
    content = yaml.load(text)
    if content is None:
        content = _node({})
    tables = {name: change for name, change in changes.items() if change.before}
    for name, change in tables.items():
        _conform_table(content[name], change)
    _conform(content, {**before, **{name: after[name] for name in tables}}, after)
    return _dumped(yaml, content)


def _yaml(text: str) -> YAML:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only rows in foreign style need it
    from ruamel.yaml.constructor import RoundTripConstructor  # noqa: PLC0415 - as above
    from ruamel.yaml.representer import RoundTripRepresenter  # noqa: PLC0415 - as above

    class Reader(RoundTripConstructor):
        """Keeps how values are spelled."""

    class Writer(RoundTripRepresenter):
        """Spells values as they were spelled."""

    for tag in _NOT_TEXT:
        Reader.add_constructor(f"tag:yaml.org,2002:{tag}", lambda _, node: _Spelled(str(node.tag), node.value))
    Writer.add_representer(_Spelled, lambda writer, value: writer.represent_scalar(value.tag, value.spelling))
    yaml = YAML()
    yaml.Constructor, yaml.Representer = Reader, Writer
    yaml.preserve_quotes = True
    yaml.width = 1 << 30
    yaml.indent(**_indentation(text))
    return yaml


def _indentation(text: str) -> dict[str, int]:
    nested = _FIRST_NESTED.search(text)
    listed = _FIRST_LIST.search(text)
    mapping = len(nested[1]) if nested else 2
    offset = len(listed[2]) if listed else 2
    return {"mapping": mapping, "sequence": offset + 2, "offset": offset}


def _dumped(yaml: YAML, content: CommentedMap) -> str:
    out = StringIO()
    yaml.dump(content, out)
    return out.getvalue()


def _conform_table(rows: CommentedMap, change: TableChange) -> None:
    new_names = {before: after for after, before in change.names.items()}
    kept = [(_name(key, new_names), row) for key, row in rows.items() if str(key) in new_names]
    comments = {_name(key, new_names): comment for key, comment in rows.ca.items.items() if str(key) in new_names}
    rows.clear()
    rows.ca.items.clear()
    rows.update(kept)
    rows.ca.items.update(comments)
    _conform(rows, {after: change.before[before] for after, before in change.names.items()}, change.after)


def _name(key: Any, new_names: Mapping[str, str]) -> Any:
    name = new_names[str(key)]
    return key if name == str(key) else _node(name)


def _conform(node: CommentedMap, before: Fields, after: Fields) -> None:
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415 - see _yaml

    keys = {str(key): key for key in node}
    for name in before.keys() - after.keys():
        del node[keys[name]]
    for name, value in after.items():
        if name in before and before[name] == value:
            continue
        key = keys.get(name, _node(name))
        present, said = node.get(key), before.get(name)
        if isinstance(value, Mapping) and isinstance(said, Mapping) and isinstance(present, CommentedMap):
            _conform(present, said, value)
        else:
            node[key] = _node(value, like=present)


def _node(value: Json, like: object = None) -> Any:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq  # noqa: PLC0415 - see _yaml
    from ruamel.yaml.scalarstring import (  # noqa: PLC0415 - see _yaml
        DoubleQuotedScalarString,
        SingleQuotedScalarString,
    )

    match value:
        case str():
            if isinstance(like, SingleQuotedScalarString):
                return SingleQuotedScalarString(value)
            plain = is_plain(value) and not isinstance(like, DoubleQuotedScalarString)
            return value if plain else DoubleQuotedScalarString(value)
        case None:
            return _Spelled("tag:yaml.org,2002:null", "null")
        case Mapping():
            return CommentedMap({_node(key): _node(item) for key, item in value.items()})
        case list() | tuple():
            return CommentedSeq(map(_node, value))
        case _:
            return value
