"""Change YAML text with the round trip of ruamel.yaml, where patches are not possible. Pure.

Comments, order, quotes and the spelling of values stay. ruamel.yaml does not keep extra spaces after a colon, varying
indentation, and comments inside braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any, TypeAlias

from msgspec import Struct, field
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from reconciler.model.record import Json

from .patch import Unpatchable
from .quoting import is_plain, needs_no_escape, scalar

Fields: TypeAlias = Mapping[str, Json]

_FLOAT_TAG = "tag:yaml.org,2002:float"
_NOT_TEXT = ("null", "bool", "int", "float", "timestamp")
_FIRST_NESTED = re.compile(r"^\S.*\n(?: *(?:#.*)?\n)*( +)[^\s#]", re.MULTILINE)
_FIRST_LIST = re.compile(r"^( *)[^\s#-].*: *\n\1( *)- ", re.MULTILINE)


class MappingChange(Struct, frozen=True):
    """The content of a mapping before and after.

    `names` maps the new name of each kept entry to its old name; None means that no entry is renamed. `inside` has the
    rewritings of inner mappings, by key.
    """

    before: Fields
    after: Fields
    names: Mapping[str, str] | None = None
    inside: Mapping[str, MappingChange] = field(default_factory=dict)


class _Spelled(Struct, frozen=True):
    """A value that is not text, spelled as the user wrote it: `~`, `TRUE`, `0x1F`."""

    tag: str
    spelling: str

    def __str__(self) -> str:
        return self.spelling


class _SpellingReader(RoundTripConstructor):
    """Reads values with their spelling."""


class _SpellingWriter(RoundTripRepresenter):
    """Writes values with the spelling that they had."""


for _tag in _NOT_TEXT:
    _SpellingReader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda _, node: _Spelled(str(node.tag), node.value))
# The library would write 1e+300, which readers of YAML 1.1 take for a text.
_SpellingWriter.add_representer(float, lambda writer, value: writer.represent_scalar(_FLOAT_TAG, scalar(value)))
_SpellingWriter.add_representer(_Spelled, lambda writer, value: writer.represent_scalar(value.tag, value.spelling))


def rewritten(text: str, wanted: MappingChange) -> str:
    """The text of a mapping, changed from the content `wanted.before` to `wanted.after`.

    The caller must read it back, because a value that is shared through an alias changes everywhere.

    Raises:
        Unpatchable: The library cannot read or write the text.
    """
    yaml = _yaml(text)
    try:
        content = yaml.load(text)
        if content is None:
            content = CommentedMap()
        _rewrite(content, wanted)
        out = StringIO()
        yaml.dump(content, out)
    except Exception as error:  # on unusual files the library raises anything: KeyError, AttributeError ...
        raise Unpatchable(str(error)) from error
    return out.getvalue()


def _yaml(text: str) -> YAML:
    yaml = YAML()
    yaml.Constructor, yaml.Representer = _SpellingReader, _SpellingWriter
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


def _rewrite(node: CommentedMap, wanted: MappingChange) -> None:
    before = dict(wanted.before)
    for name, inner in wanted.inside.items():
        _rewrite(node[name], inner)
        before[name] = inner.after
    if wanted.names is not None:
        _rename(node, wanted.names)
        before = {after: before[name] for after, name in wanted.names.items()}
    _conform(node, before, wanted.after)


def _rename(node: CommentedMap, names: Mapping[str, str]) -> None:
    """Give entries their new names, and drop entries without one."""
    new_names = {before: after for after, before in names.items()}
    kept = [(_name(key, new_names), value) for key, value in node.items() if str(key) in new_names]
    comments = {_name(key, new_names): comment for key, comment in node.ca.items.items() if str(key) in new_names}
    node.clear()
    node.ca.items.clear()
    node.update(kept)
    node.ca.items.update(comments)


def _name(key: Any, new_names: Mapping[str, str]) -> Any:
    name = new_names[str(key)]
    return key if name == str(key) else _node(name)


def _conform(node: CommentedMap, before: Fields, after: Fields) -> None:
    if aside := _moved_aside(before, after):
        _rename(node, {aside.get(name, name): name for name in before})
        before = {aside.get(name, name): value for name, value in before.items()}
    keys = {str(key): key for key in node}
    for name in before.keys() - after.keys():
        del node[keys[name]]
    for name, value in after.items():
        if name in before and before[name] == value:
            continue
        key = keys.get(name, _node(name))
        present, old = node.get(key), before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping) and isinstance(present, CommentedMap):
            _conform(present, old, value)
        else:
            node[key] = _node(value, like=present)


def _moved_aside(before: Fields, after: Fields) -> dict[str, str]:
    """The entries that are kept under another name, `x-NAME` as a rule: each keeps its place and its comments."""
    new = [name for name in after if name not in before and name.startswith("x-")]
    pairs = ((old, name) for name in new for old in before if name.startswith(f"x-{old}") and old not in after)
    return {old: name for old, name in pairs if before[old] == after[name]}


def _node(value: Json, like: object = None) -> Any:
    match value:
        case str():
            if isinstance(like, SingleQuotedScalarString) and needs_no_escape(value):
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
