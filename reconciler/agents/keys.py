"""The names that CLIs derive from the path of a workspace, and the form of their ids."""

from __future__ import annotations

import re

_LIMIT = 200  # characters
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def is_uuid(text: str) -> bool:
    """True for a UUID, the form of most CLIs' ids."""
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
    """The name of a path's last folder in lower case, with one dash for each run of other characters.

    Without any ASCII letter or digit, the slug is `project`. The CLI appends `-1`, `-2`, ... when another folder has
    the same slug.
    """
    name = path.rstrip("/").rpartition("/")[2]
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "project"
