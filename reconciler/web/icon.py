"""The icon of the page as PNG: three lines of the board, the first of which needs you."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import cache

SIZES = (180, 192, 512)  # Apple's touch icon; what Chromium wants of an app that can be installed

_BACKGROUND, _CALM, _ASKS = b"\x0d\x11\x17", b"\x6e\x76\x81", b"\xe3\xb3\x41"
# Top, bottom, and the ranges from left to right that are coloured, in parts of 100; all inside of what masks leave.
_BARS = (
    (27, 37, ((20, 30), (37, 80)), _ASKS),
    (45, 55, ((20, 30), (37, 72)), _CALM),
    (63, 73, ((20, 30), (37, 76)), _CALM),
)


@cache
def icon(size: int) -> bytes:
    """A square PNG (ISO/IEC 15948) of so many pixels."""
    rows = b"".join(b"\x00" + row for row in _rows(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _rows(size: int) -> Iterator[bytes]:
    for y in range(size):
        row = bytearray(_BACKGROUND * size)
        for top, bottom, ranges, colour in _BARS:
            for left, right in ranges if top * size <= 100 * y < bottom * size else ():
                first, last = left * size // 100, right * size // 100
                row[3 * first : 3 * last] = colour * (last - first)
        yield bytes(row)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
