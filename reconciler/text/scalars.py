"""What a YAML word without quotes means, in manifests and the registry: a number, a flag, null or text.

A word that YAML 1.1 and 1.2 read differently is text: `010`, `0o17`, `1e3`, `1_000`, `1:30`. Text are also infinity
and NaN, which JSON does not have, and numbers of more than 300 digits. `yes`, `no`, `on` and `off` are text, as in YAML
1.2.2, section 10.3.2.
"""

from __future__ import annotations

import math
import re

from reconciler.model.record import Json

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,299})|0x[0-9a-fA-F]{1,64}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,18})(?:[eE][-+][0-9]{1,3})?")


def resolved(text: str) -> Json:
    """The value of a word without quotes."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 16) if text.startswith("0x") else int(text)
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return text if math.isinf(number) else number
