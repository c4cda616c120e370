"""Names that resemble a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def similar(word: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The known words that resemble `word`, the most similar first."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    return difflib.get_close_matches(word, list(known), n=most)
