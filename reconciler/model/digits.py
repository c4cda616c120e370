"""Whole numbers in text from outside.

`int` alone raises on more than 4300 digits, and `str.isdigit` accepts characters that it does not, such as `²`.
"""

from __future__ import annotations

_LONGEST = 300  # digits, the same limit as in our YAML and JSON


def number_in(text: str | bytes) -> int | None:
    """The whole number that `text` spells; None if it has other characters than digits, or more than 300 of them."""
    if len(text) > _LONGEST or not (text.isdigit() if isinstance(text, bytes) else text.isdecimal()):
        return None
    return int(text)
