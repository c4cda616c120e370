"""The rule for quotes: a text is written without quotes only if every YAML parser reads it as that text.

Any other text is written as a JSON string, which is also a double-quoted scalar in YAML 1.1 and 1.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from reconciler.model.record import Json

_WORD = r"[A-Za-z_/][A-Za-z0-9_./@+=~%-]*"
_PLAIN = re.compile(rf"{_WORD}(?: [A-Za-z0-9_./@+=~%-]+)*")
# Words that YAML 1.1 does not read as text: https://yaml.org/type/bool.html, https://yaml.org/type/null.html
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# JSON writes these characters as they are, but YAML parsers refuse or fold them.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def is_plain(text: str) -> bool:
    """True when every YAML parser reads the text without quotes as text."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _NOT_TEXT


def needs_no_escape(text: str) -> bool:
    """Whether the text can be written in single quotes, which have no escapes and fold lines."""
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
    # YAML 1.1 needs a point before the exponent.
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")
