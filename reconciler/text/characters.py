"""The characters of a file: which bytes make them, which line ends they have, which of them YAML forbids."""

from __future__ import annotations

import re

_BOM = "\ufeff"
# Everything but c-printable, YAML 1.2.2 section 5.1
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def decoded(data: bytes) -> str:
    """The characters of a file, without a mark of the byte order; UnicodeDecodeError when it is not UTF-8."""
    return data.decode("utf-8").removeprefix(_BOM)


def encoded(text: str, like: bytes) -> bytes:
    """The bytes of a file, which begins with a mark of the byte order where `like` does."""
    bom = _BOM if like.startswith(_BOM.encode()) else ""
    return (bom + text).encode()


def newline_of(text: str) -> str:
    """The line end of a text: that of Windows where one line has it."""
    return "\r\n" if "\r\n" in text else "\n"


def unprintable(text: str) -> re.Match[str] | None:
    """The first character of `text` that YAML forbids."""
    if text.isascii() and text.isprintable():  # nearly always; the expression takes 5 ms to compile
        return None
    return re.search(_UNPRINTABLE, text)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The place of a character, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
