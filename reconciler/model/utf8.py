"""Encode text as UTF-8. Text that the system gives as bytes may contain bytes that are not UTF-8."""

from __future__ import annotations

from .errors import ReconcilerError
from .harmless import one_line


def as_bytes(text: str) -> bytes:
    """The bytes of a text, for a digest. Different texts give different bytes, and no text raises."""
    return text.encode("utf-8", "surrogatepass")


def is_utf8(text: str) -> bool:
    """Whether the text can be encoded as UTF-8. Lone surrogates and undecoded bytes cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def encode_utf8(text: str, where: str) -> bytes:
    """The text as UTF-8, for a file that other programs read. `where` names that file in the error.

    Raises:
        ReconcilerError: The text contains an undecoded byte or a lone surrogate.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text[text.rfind("\n", 0, error.start) + 1 :].partition("\n")[0]
        raise ReconcilerError(
            f"{where} cannot be written: the text is not valid UTF-8",
            detail=one_line(line.strip()),
            fix="rename the folder or file that is named in this line",
        ) from error
