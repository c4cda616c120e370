"""Why something cannot be done, in words for the user."""

from __future__ import annotations

from msgspec import Struct


class Problem(Struct, frozen=True):
    """What is wrong, why, and what to type."""

    summary: str
    detail: str = ""
    fix: str = ""
