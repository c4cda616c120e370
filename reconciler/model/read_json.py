"""Read JSON from outside: the result is safe to use, or there is one kind of error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

_DEEPEST = 100  # levels; recursive functions walk through these documents


def read_json(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The document. `pairs` makes an object from its members, like `object_pairs_hook` of `json.loads`.

    Raises:
        ValueError: It is not JSON (RFC 8259), has a number that is too large, or is nested too deeply.
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


@cache  # one a function: to make a decoder takes longer than to read an event
def _decoder(pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=pairs, parse_float=_finite, parse_constant=_not_json)


_DECODER = _decoder()  # made once, because some files have one document per line


def text_of(data: str | bytes) -> str:
    """The document as text, for `read_json`. Raises ValueError if it cannot be decoded."""
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
