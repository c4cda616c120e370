"""Numbers that others wrote as digits: Python refuses thousands of them, and digits that are none."""

from __future__ import annotations

_LONGEST = 300  # digits, as in YAML and JSON of ours; Python itself refuses 4300


def number_in(text: str | bytes) -> int | None:
    """The whole number that decimal digits spell; None for any other text, and for more than 300 digits."""
    if len(text) > _LONGEST or not (text.isdigit() if isinstance(text, bytes) else text.isdecimal()):
        return None
    return int(text)
