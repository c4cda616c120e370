"""JSON that others wrote: a document that this program can walk through, or one kind of error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

_DEEPEST = 100  # what is walked through by functions that call themselves must not be deeper


def read_json(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The document; `pairs` makes an object of its members, as `json.loads` has it.

    Raises:
        ValueError: It is not JSON (RFC 8259), has a number beyond any bound, or is nested too deeply.
    """
    try:
        found = (_DECODER if pairs is None else _decoder(pairs)).decode(text_of(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _brackets(text) > _DEEPEST and _is_deep(found):
        raise ValueError("nested too deeply")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"a number that is too large: {text[:20]}")
    return number


def _not_json(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _decoder(pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=pairs, parse_float=_finite, parse_constant=_not_json)


_DECODER = _decoder()  # made once: files of many lines are read with it


def text_of(data: str | bytes) -> str:
    """The characters of a document, as `read_json` takes them. Raises ValueError when they cannot be told."""
    return data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")


def _brackets(text: str | bytes) -> int:
    return text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(_DEEPEST):
        level = [below for each in level for below in _below(each)]
        if not level:
            return False
    return True


def _below(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in inside if isinstance(each, dict | list)]
