"""Decode and encode files, and find line ends and characters that YAML forbids."""

from __future__ import annotations

import re

_BOM = "\ufeff"
# Everything but c-printable, YAML 1.2.2 section 5.1
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def decoded(data: bytes) -> str:
    """The text of a file, without a byte order mark. Raises UnicodeDecodeError when it is not UTF-8."""
    return data.decode("utf-8").removeprefix(_BOM)


def encoded(text: str, like: bytes) -> bytes:
    """The bytes of a text, with a byte order mark if `like` has one."""
    bom = _BOM if like.startswith(_BOM.encode()) else ""
    return (bom + text).encode()


def newline_of(text: str) -> str:
    """The line end of a text: CRLF if any line has it, else LF."""
    return "\r\n" if "\r\n" in text else "\n"


def unprintable(text: str) -> re.Match[str] | None:
    """The first character of `text` that YAML forbids."""
    if text.isascii() and text.isprintable():  # nearly always true; compiling the expression takes 5 ms
        return None
    return re.search(_UNPRINTABLE, text)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
