"""Make frozen values from JSON that may have been changed outside, and check the type of each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields

T = TypeVar("T", bound=Struct)
_KINDS: Mapping[object, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


def shaped(kind: type[T], content: object, **made: object) -> T:
    """A `kind` from a JSON object. `made` are fields that the caller has made. Keys without a field are ignored.

    Later versions may write more keys, but never fewer.

    Raises:
        ValueError: It is not an object, or a field is missing or has another type.
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
    raise ValueError(f"`{name}` has the wrong type")


def table(value: object) -> Mapping[str, Any]:
    """A JSON object. Raises ValueError for anything else."""
    if isinstance(value, Mapping):
        return value
    raise ValueError("not an object")
