"""Write a row of the registry in one fixed style, with one key per line, and read that style without a parser. Pure.

YAML 1.1 and 1.2 parsers read this style the same way.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import TypeAlias

from reconciler.model.record import Json
from reconciler.text.quoting import flow, scalar

Lines: TypeAlias = deque[tuple[int, str]]

_WORDS: Mapping[str, Json] = {"null": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?\d+")


def row_text(name: str, row: Json, indent: int) -> str:
    """One row of a table as complete lines; its key is indented by `indent`, and each deeper level by as much again."""
    return "\n".join(_entry(" " * indent + scalar(name) + ":", row, indent, indent)) + "\n"


def _entry(head: str, value: Json, indent: int, step: int) -> list[str]:
    if not value or isinstance(value, str | int | float):
        return [f"{head} {flow(value)}"]
    if isinstance(value, Mapping):
        return [head, *_fields(value, indent + step, step)]
    margin = " " * (indent + step)
    return [head, *(f"{margin}- {flow(item)}" for item in value)]


def _fields(fields: Mapping[str, Json], indent: int, step: int) -> list[str]:
    margin = " " * indent
    lines: list[str] = []
    for key, value in fields.items():
        lines += _entry(f"{margin}{scalar(key)}:", value, indent, step)
    return lines


def read_row(text: str) -> Json:
    """The value under the first line's key. Correct only if `text` is in this style: the caller must check that."""
    lines = deque((len(line) - len(bare := line.lstrip(" ")), bare) for line in text.splitlines())
    try:
        block = _block(lines)
    except (ValueError, IndexError, RecursionError):
        return None
    return next(iter(block.values())) if isinstance(block, dict) else None


def _block(lines: Lines) -> Json:
    indent, first = lines[0]
    if first.startswith("- "):
        return [_value(lines.popleft()[1][2:]) for _ in range(len(lines)) if lines and lines[0][0] == indent]
    fields: dict[str, Json] = {}
    while lines and lines[0][0] == indent:
        key, _, value = lines.popleft()[1].partition(":")
        fields[_name(key)] = _value(value[1:]) if value else _block(lines)
    return fields


def _name(key: str) -> str:
    return str(json.loads(key)) if key.startswith('"') else key


def _value(text: str) -> Json:
    if text[0] in '"[{':
        value: Json = json.loads(text)
        return value
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text
