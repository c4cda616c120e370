"""Texts of others in UTF-8: what the system hands over as bytes may hold some that are not."""

from __future__ import annotations

from .errors import ReconcilerError
from .harmless import one_line


def as_bytes(text: str) -> bytes:
    """The text for a digest: two that differ have different bytes, and none is refused."""
    return text.encode("utf-8", "surrogatepass")


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can hold the text: it has neither half a character nor a byte that was none."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def in_utf8(text: str, where: str) -> bytes:
    """The text as a file that others read has to have it.

    Raises:
        ReconcilerError: It holds a byte that is not UTF-8, or half a character; `where` says in what.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text[text.rfind("\n", 0, error.start) + 1 :].partition("\n")[0]
        raise ReconcilerError(
            f"{where} would hold what is not UTF-8",
            detail=one_line(line.strip()),
            fix="rename the folder or file that is named there",
        ) from error
