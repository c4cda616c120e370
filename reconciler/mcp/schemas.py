"""The JSON Schemas that clients see: of the arguments, and of the documents."""

from __future__ import annotations

from typing import Any

from msgspec.json import schema_components

from reconciler.state.schemas import load_schema

from .tool import Tool

_NOT_FOR_TOOLS = ("$schema", "$id")  # clients resolve them, and the names are only ours


def input_schema(tool: Tool) -> dict[str, Any]:
    """The schema of a tool's arguments: an object."""
    _, parts = schema_components((tool.arguments,), ref_template="#/$defs/{name}")
    schema: dict[str, Any] = parts[tool.arguments.__name__]
    return schema


def output_schema(tool: Tool) -> dict[str, Any]:
    """The schema of a tool's document: the published one, or that of `{"events": [...]}`."""
    published = {key: value for key, value in load_schema(tool.schema).items() if key not in _NOT_FOR_TOOLS}
    if not tool.events:
        return published
    definitions = published.pop("definitions", {})
    return {
        "type": "object",
        "properties": {"events": {"type": "array", "items": published}},
        "required": ["events"],
        "definitions": definitions,
    }
