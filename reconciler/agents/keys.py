"""The names that CLIs make from the path of a workspace, and from an id."""

from __future__ import annotations

import re

_LIMIT = 200
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def is_uuid(text: str) -> bool:
    """True for an id as most CLIs mint them."""
    return re.fullmatch(UUID, text) is not None


def project_key(path: str) -> str:
    """The folder name under `projects/` for a real path; different paths may share one.

    Every UTF-16 unit outside [A-Za-z0-9] becomes a dash; a key over 200 characters is cut and
    gets a hash of the path.
    """
    data = path.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]
    key = "".join(chr(unit) if unit < 128 and chr(unit).isalnum() else "-" for unit in units)
    if len(key) <= _LIMIT:
        return key
    return f"{key[:_LIMIT]}-{_base36(abs(_hash(units)))}"


def _hash(units: list[int]) -> int:
    value = 0
    for unit in units:
        value = ((value << 5) - value + unit) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"


def slug(path: str) -> str:
    """The last folder of a path in lower case, runs of other characters as one dash.

    A folder without any letter or digit of ASCII is `project`. The CLI appends `-1`, `-2`, ... when
    another folder has the slug already.
    """
    name = path.rstrip("/").rpartition("/")[2]
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "project"
