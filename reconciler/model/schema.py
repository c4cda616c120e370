"""JSON Schemas of the documents that users and scripts read and write.

A document is a `typing_extensions.TypedDict`; pydantic is imported only when a schema is made.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, cast

from msgspec import Struct

from .record import Json

DRAFT = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS = "#/definitions/"


class Pattern(Struct, frozen=True):
    """`Annotated[str, Pattern(regex)]`: a string that the whole of `regex` matches.

    Use only the syntax that Python, JavaScript and Rust share, so no look-around.
    """

    regex: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(source), "pattern": f"^(?:{self.regex})$"}


class CommandWords(Struct, frozen=True):
    """`Annotated[list[str], CommandWords()]`: the words of a command line, of which the first is not blank.

    `may_be_empty` allows no words at all.
    """

    may_be_empty: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Add the rule to the schema of the list."""
        words = handler(source) if self.may_be_empty else {**handler(source), "min_length": 1}
        return {
            "type": "function-after",
            "function": {"type": "no-info", "function": _not_blank_at_first},
            "schema": words,
        }


def _not_blank_at_first(words: list[str]) -> list[str]:
    if words and not words[0].strip():
        raise ValueError("the first word is blank")
    return words


class Expected(Struct, frozen=True):
    """`Annotated[T, Expected("a list of words")]`: the text of an error message, instead of pydantic's own."""

    expected: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "custom-error",
            "schema": handler(source),
            "custom_error_type": "expected",
            "custom_error_message": self.expected,
        }


def json_schema(document: type, *, title: str, identifier: str) -> dict[str, Json]:
    """The JSON Schema of a TypedDict; the same document always gives the same schema.

    It is draft 07, because editors support that. `identifier` becomes `$id`.
    """
    import pydantic.json_schema  # noqa: PLC0415 - slow to load

    class Described(pydantic.json_schema.GenerateJsonSchema):
        """With the texts below the keys; a field's title would only repeat its name."""

        def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
            return False

        def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
            made = super().typed_dict_schema(schema)
            for name, text in _texts_below(schema["cls"]).items():
                made["properties"][name].setdefault("description", text)
            return made

    generated = pydantic.TypeAdapter(document).json_schema(
        ref_template=_DEFINITIONS + "{model}", schema_generator=Described
    )
    head = {"$schema": DRAFT, "$id": identifier, "title": title}
    body = {key: value for key, value in generated.items() if key not in {"$defs", "title"}}
    return cast(dict[str, Json], _draft_07(_by_title({**head, **body, "definitions": generated.get("$defs", {})})))


def _texts_below(document: type) -> dict[str, str]:
    """The text below each key of a TypedDict. pydantic can find it, but would do so at each validation, too."""
    try:
        [definition] = ast.parse(inspect.getsource(document)).body
    except OSError:  # made by a call of TypedDict: its keys are no names, and have no text
        return {}
    lines = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        line.target.id: inspect.cleandoc(below.value.value)
        for line, below in pairwise(lines)
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


def _by_title(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with each definition under its title, which may differ from the class name."""
    titles = {f"{_DEFINITIONS}{name}": f"{_DEFINITIONS}{each['title']}" for name, each in schema["definitions"].items()}
    definitions = {each["title"]: each for each in schema["definitions"].values()}
    return cast(dict[str, Any], _redirected({**schema, "definitions": dict(sorted(definitions.items()))}, titles))


def _redirected(node: Any, targets: Mapping[str, str]) -> Any:
    match node:
        case list():
            return [_redirected(item, targets) for item in node]
        case {"$ref": str(ref), **beside}:
            return {"$ref": targets.get(ref, ref), **_redirected(beside, targets)}
        case Mapping():
            return {key: _redirected(value, targets) for key, value in node.items()}
        case _:
            return node


def _draft_07(node: Any) -> Any:
    match node:
        case list():
            return [_draft_07(item) for item in node]
        case {"$ref": ref, **beside} if beside:
            # draft 07 ignores all keys beside a $ref
            return {"allOf": [{"$ref": ref}], **_draft_07(beside)}
        case {"prefixItems": places, **beside}:
            return {"items": _draft_07(places), "additionalItems": False, **_draft_07(beside)}
        case {"patternProperties": _}:
            return {**_entries(node), "additionalProperties": False}
        case Mapping():
            return _entries(node)
        case _:
            return node


def _entries(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _draft_07(value) for key, value in node.items()}
