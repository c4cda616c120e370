"""One rule of quoting: a text stands without quotes only where every reader of YAML takes it for that text.

Any other text is written as a JSON string, which is a double-quoted scalar of YAML 1.1 and 1.2 alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from reconciler.model.record import Json

_WORD = r"[A-Za-z_/][A-Za-z0-9_./@+=~%-]*"
_PLAIN = re.compile(rf"{_WORD}(?: [A-Za-z0-9_./@+=~%-]+)*")
# What YAML 1.1 takes for something else than text: https://yaml.org/type/bool.html, https://yaml.org/type/null.html
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# JSON writes these as they are, a YAML reader refuses or folds them.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def is_plain(text: str) -> bool:
    """True when a text needs no quotes for any reader to take it as text."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _NOT_TEXT


def needs_no_escape(text: str) -> bool:
    """Whether single quotes can hold the text: they know no escapes, and fold lines."""
    return not _ESCAPED.search(text) and text.isprintable()


@lru_cache(maxsize=4096)
def quoted(text: str) -> str:
    """A text as YAML, in quotes where it needs them."""
    if is_plain(text):
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def scalar(value: bool | float | str | None) -> str:
    """A text, number, flag or null on one line."""
    if isinstance(value, str):
        return quoted(value)
    return _float(value) if isinstance(value, float) else json.dumps(value)


def flow(value: Json) -> str:
    """Any value on one line."""
    if value is None or isinstance(value, str | int | float):
        return scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(map(flow, value)) + "]"


def _float(value: float) -> str:
    # YAML 1.1 wants a point before the exponent.
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")
