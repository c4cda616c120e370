"""Plain data as block style YAML that YAML 1.1 and 1.2 readers understand alike. Pure.

Everything that is not plainly a word is quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from reconciler.model.record import Json
from reconciler.model.scalars import is_plain

# JSON writes these as they are, a YAML reader refuses or folds them.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def row_text(name: str, row: Json, indent: int) -> str:
    """One row of a table as whole lines, its key indented by `indent`, each level by as much again."""
    return "\n".join(_entry(" " * indent + _scalar(name) + ":", row, indent, indent)) + "\n"


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    if is_plain(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _scalar(value: bool | float | str | None) -> str:
    """A text, number, flag or null on one line."""
    if isinstance(value, str):
        return _word(value)
    return _float(value) if isinstance(value, float) else json.dumps(value)


def _float(value: float) -> str:
    # YAML 1.1 wants a point before the exponent.
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")


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
        lines += _entry(f"{margin}{_scalar(key)}:", value, indent, step)
    return lines


def flow(value: Json) -> str:
    """Any value on one line."""
    if value is None or isinstance(value, str | int | float):
        return _scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(map(flow, value)) + "]"
