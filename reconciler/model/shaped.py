"""Frozen values made from JSON that somebody else may have changed: of the right kinds, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields

T = TypeVar("T", bound=Struct)
_KINDS: Mapping[object, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


def shaped(kind: type[T], content: object, **made: object) -> T:
    """A value from a JSON object; `made` are the fields that are made already. Keys that it lacks are left out.

    A later version may write more keys, never fewer.

    Raises:
        ValueError: It is not an object, a field is missing, or of another kind.
    """
    if not isinstance(content, Mapping):
        raise ValueError("not an object")
    given = dict(made)
    for field in fields(kind):
        if field.name in made:
            continue
        if field.name in content:
            given[field.name] = _of_kind(field.type, field.name, content[field.name])
        elif field.required:
            raise ValueError(f"`{field.name}` is missing")
    return kind(**given)


def _of_kind(kind: object, name: str, value: Any) -> Any:
    if kind == tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
    elif isinstance(value, _KINDS.get(kind, (object,))) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"`{name}` is of another kind")


def table(value: object) -> Mapping[str, Any]:
    """A JSON object. Raises ValueError for anything else."""
    if isinstance(value, Mapping):
        return value
    raise ValueError("not an object")
