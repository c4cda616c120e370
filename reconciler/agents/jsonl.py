"""Read JSON and JSON-lines files of CLIs, of which sometimes only the beginning was read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.digits import number_in
from reconciler.model.moment import unix
from reconciler.model.read_json import read_json


def objects(data: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in the lines of `data`; lines that are something else, or cut off, are skipped."""
    for line in data.splitlines():
        found = parsed(line)
        if found:
            yield found


def parsed(data: bytes) -> Mapping[str, Any]:
    """Parse `data` as a JSON object; return an empty one if it is something else."""
    try:
        found = read_json(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def inner(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key, or an empty one."""
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def text(found: Mapping[str, Any], *keys: str) -> str:
    """The first text under one of the keys, or an empty text."""
    return next((value for key in keys if isinstance(value := found.get(key), str)), "")


def number(found: Mapping[str, Any], key: str) -> int | None:
    """The whole number under a key, also when it is written as text; None when there is none."""
    value = found.get(key)
    return number_in(str(value)) if isinstance(value, int | str) else None


def moment(found: Mapping[str, Any], key: str) -> int:
    """The time under a key, ISO 8601 with a zone, as Unix seconds; 0 when there is none."""
    return int(unix(text(found, key)) or 0)


def document(data: bytes) -> dict[str, Any]:
    """The JSON object that a settings file holds, or an empty one for an empty file; ValueError for anything else."""
    found = read_json(data) if data.strip() else {}
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def table(found: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key, which is created when it is missing; ValueError when something else is there."""
    value = found.setdefault(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"{key} is not a JSON object")
    return value


def written(found: Mapping[str, Any]) -> bytes:
    """The settings as bytes, in the form in which the CLIs write them. A lone surrogate is written as an escape."""
    return (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
