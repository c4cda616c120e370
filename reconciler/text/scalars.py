"""One dialect of YAML's plain words, for manifests and the registry: what is a number, a flag, nothing, or text.

What readers of YAML 1.1 and of 1.2 take for different things is text: `010`, `0o17`, `1e3`, `1_000`, `1:30`. So are
infinity and NaN, which JSON cannot hold, and numbers of more than 300 digits. `yes` and the like are text, as in
YAML 1.2.2, section 10.3.2.
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
    """What a word without quotes means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 16) if text.startswith("0x") else int(text)
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return text if math.isinf(number) else number
