"""Tell quickly that JSON data surely fits a schema.

jsonschema takes 0.06 s to load, and reads the schema again for each value. Here a schema becomes a function once. It
only ever says yes: data that it does not accept, and schemas with keywords that are not known here, are left to
jsonschema, which alone decides that something is wrong. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], bool]
"""True for a value that surely fits; may be false for one that fits, too."""

_Schema: TypeAlias = Mapping[str, Any]
_Definitions: TypeAlias = Mapping[str, Check]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_NOT_CHECKED = {"$schema", "$id", "title", "description", "default", "examples", "definitions"}
_OF_OBJECTS = {"properties", "patternProperties", "additionalProperties"}


def surely_fits(schema: _Schema) -> Check:
    """A function that is true only for data that fits the schema, which has draft 7 of JSON Schema."""
    definitions: dict[str, Check] = {}
    for name, definition in schema.get("definitions", {}).items():
        definitions[f"#/definitions/{name}"] = _check(definition, definitions)
    return _check(schema, definitions)


def _check(schema: _Schema | bool, definitions: _Definitions) -> Check:
    if isinstance(schema, bool):
        return lambda _value: schema
    checks = [
        _KEYWORDS.get(keyword, _unknown)(meaning, definitions)
        for keyword, meaning in schema.items()
        if keyword not in _NOT_CHECKED | _OF_OBJECTS
    ]
    if not _OF_OBJECTS.isdisjoint(schema):
        checks.append(_members(schema, definitions))
    return checks[0] if len(checks) == 1 else _all_of(checks)


def _all_of(checks: Sequence[Check]) -> Check:
    def fits(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - faster than all() with a generator
            if not check(value):
                return False
        return True

    return fits


def _unknown(_meaning: Any, _definitions: _Definitions) -> Check:
    return lambda _value: False


def _type(names: str | Sequence[str], _definitions: _Definitions) -> Check:
    types = tuple(each for name in ([names] if isinstance(names, str) else names) for each in _TYPES[name])
    takes_flags = bool in types  # to Python, True is an integer
    return lambda value: isinstance(value, types) and (takes_flags or not isinstance(value, bool))


def _enum(allowed: Sequence[Any], _definitions: _Definitions) -> Check:
    texts = {each for each in allowed if each is None or isinstance(each, str)}
    return lambda value: (value is None or isinstance(value, str)) and value in texts


def _const(only: Any, _definitions: _Definitions) -> Check:
    return lambda value: type(value) is type(only) and value == only


def _reference(name: str, definitions: _Definitions) -> Check:
    return lambda value: name in definitions and definitions[name](value)


def _any_of(schemas: Sequence[_Schema], definitions: _Definitions) -> Check:
    checks = [_check(each, definitions) for each in schemas]
    return lambda value: any(check(value) for check in checks)


def _items(schema: _Schema, definitions: _Definitions) -> Check:
    if not isinstance(schema, Mapping):
        return _unknown(schema, definitions)
    check = _check(schema, definitions)
    return lambda value: not isinstance(value, list) or all(map(check, value))


def _required(names: Sequence[str], _definitions: _Definitions) -> Check:
    return lambda value: not isinstance(value, dict) or all(name in value for name in names)


def _minimum(least: float, _definitions: _Definitions) -> Check:
    return lambda value: not isinstance(value, int | float) or value >= least


def _exclusive_minimum(below: float, _definitions: _Definitions) -> Check:
    return lambda value: not isinstance(value, int | float) or value > below


def _min_length(least: int, _definitions: _Definitions) -> Check:
    return lambda value: not isinstance(value, str) or len(value) >= least


def _pattern(expression: str, _definitions: _Definitions) -> Check:
    search = re.compile(expression).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _members(schema: _Schema, definitions: _Definitions) -> Check:
    named = {name: _check(each, definitions) for name, each in schema.get("properties", {}).items()}
    patterned = [
        (re.compile(pattern).search, _check(each, definitions))
        for pattern, each in schema.get("patternProperties", {}).items()
    ]
    other = _check(schema.get("additionalProperties", True), definitions)

    def checks_of(key: str) -> list[Check]:
        found = [named[key]] if key in named else []
        return [*found, *(check for search, check in patterned if search(key))] or [other]

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        for key, each in value.items():
            if not isinstance(key, str):
                return False
            for check in checks_of(key):
                if not check(each):
                    return False
        return True

    return fits


_KEYWORDS: Mapping[str, Callable[[Any, _Definitions], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _reference,
    "anyOf": _any_of,
    "items": _items,
    "required": _required,
    "minimum": _minimum,
    "exclusiveMinimum": _exclusive_minimum,
    "minLength": _min_length,
    "pattern": _pattern,
}
