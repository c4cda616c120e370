"""A row of the registry in its one style: a block, a key a line. Pure.

Readers of YAML 1.1 and 1.2 understand it alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.record import Json
from reconciler.text.quoting import flow, scalar


def row_text(name: str, row: Json, indent: int) -> str:
    """One row of a table as whole lines, its key indented by `indent`, each level by as much again."""
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
