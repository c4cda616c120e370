"""The kind of value of each registry key, and the conversion of values of another kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from functools import partial
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.adoption import OlderShape
from reconciler.model.record import Json

Spelling: TypeAlias = Callable[..., str]
"""Returns how the value is written in the file; keys as arguments lead to a value inside it."""


class ValueKind(Enum):
    """The kinds of plain values."""

    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    TEXTS = auto()
    VARIABLES = auto()


class ConvertedValue(Struct, frozen=True):
    """A value of the right kind, and what was converted; no `shape` when nothing was."""

    value: Json
    shape: OlderShape | None = None


Keys: TypeAlias = Mapping[str, "ValueKind | Keys"]

_TEXTS_OF_TIME = ("created_at", "updated_at", "terminated_at", "termination_mode", "stopped_reason")
PANE: Keys = {
    **dict.fromkeys(("id", "cmd", "cwd"), ValueKind.TEXT),
    "pid": ValueKind.NUMBER,
    "started": ValueKind.NUMBER,
}
SERVER: Keys = {
    **dict.fromkeys(("socket", "started", "path", "boot", "namespace"), ValueKind.TEXT),
    **dict.fromkeys(("pid", "ticks"), ValueKind.NUMBER),
}
SPEC: Keys = {
    **dict.fromkeys(("type", "cwd"), ValueKind.TEXT),
    **dict.fromkeys(("command", "args", "wrap", "path"), ValueKind.TEXTS),
    "env": ValueKind.VARIABLES,
}
SESSION: Keys = {
    **dict.fromkeys(("workspace", "agent", "type", "role", "last_visible_note", "spec_digest"), ValueKind.TEXT),
    **dict.fromkeys(("status", "last_visible_status", *_TEXTS_OF_TIME), ValueKind.TEXT),
    **dict.fromkeys(("resumable", "managed", "protect"), ValueKind.FLAG),
    "depends_on": ValueKind.TEXTS,
    "pane": PANE,
    "server": SERVER,
    "spec": SPEC,
}
IDENTITY: Keys = {"session_id": ValueKind.TEXT, "previous": ValueKind.TEXTS}
WORKSPACE: Keys = {
    "path": ValueKind.TEXT,
    "created": ValueKind.FLAG,
    "managed": ValueKind.FLAG,
    "git": {"repo": ValueKind.TEXT, "branch": ValueKind.TEXT},
}
BROKER: Keys = {"dir": ValueKind.TEXT, "target": ValueKind.TEXT, "managed": ValueKind.FLAG}
SAFE: Mapping[str, bool] = {"protect": True, "managed": False}
"""The value of a flag that cannot be read: the one that ends and removes nothing."""

OWN_ID = "_session_id_own"
_FLAGS = {**dict.fromkeys(("true", "yes", "on"), True), **dict.fromkeys(("false", "no", "off"), False)}


def kind_of(key: str, keys: Keys) -> ValueKind | Keys | None:
    """The kind of value of `key`; None for a key of another tool."""
    return keys.get(key) or (ValueKind.TEXT if keys is SESSION and key.endswith(OWN_ID) else None)


def fitted(value: Json, kind: ValueKind, spelled: Spelling) -> ConvertedValue | None:
    """Convert `value` to `kind`; None when that is not possible."""
    return _FITS[kind](value, spelled)


def _text(value: Json, spelled: Spelling) -> ConvertedValue | None:
    if isinstance(value, str):
        return ConvertedValue(value)
    return (
        ConvertedValue(spelled() or str(value), OlderShape.TEXT_AS_NUMBER) if isinstance(value, int | float) else None
    )


def _number(value: Json, _spelled: Spelling) -> ConvertedValue | None:
    if type(value) is int and value >= 0:
        return ConvertedValue(value)
    word = value.strip() if isinstance(value, str) else ""
    return ConvertedValue(int(word), OlderShape.NUMBER_AS_TEXT) if _is_number(word) else None


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 19


def _flag(value: Json, _spelled: Spelling) -> ConvertedValue | None:
    if isinstance(value, bool):
        return ConvertedValue(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    return ConvertedValue(_FLAGS[word], OlderShape.FLAG_AS_TEXT) if word in _FLAGS else None


def _texts(value: Json, spelled: Spelling) -> ConvertedValue | None:
    if not isinstance(value, list | tuple):
        return None
    found = [_text(item, partial(spelled, index)) for index, item in enumerate(value)]
    whole = [each for each in found if each]
    return _together([each.value for each in whole], whole) if len(whole) == len(found) else None


def _variables(value: Json, spelled: Spelling) -> ConvertedValue | None:
    if not isinstance(value, Mapping):
        return None
    there = {name: item for name, item in value.items() if item is not None}
    found = {name: _text(item, partial(spelled, name)) for name, item in there.items()}
    whole = {name: each for name, each in found.items() if each}
    if len(whole) < len(found):
        return None
    return _together({name: whole[name].value if name in whole else None for name in value}, whole.values())


def _together(value: Json, parts: Iterable[ConvertedValue]) -> ConvertedValue:
    return ConvertedValue(value, next((part.shape for part in parts if part.shape), None))


_FITS: Mapping[ValueKind, Callable[[Json, Spelling], ConvertedValue | None]] = {
    ValueKind.TEXT: _text,
    ValueKind.NUMBER: _number,
    ValueKind.FLAG: _flag,
    ValueKind.TEXTS: _texts,
    ValueKind.VARIABLES: _variables,
}
