"""Read files that other programs only add lines to: from where the last look ended, in large blocks.

The files are read, not mapped: a mapped file that is cut short ends the reading process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b

from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.tokens import FileMark

from . import own_files

_BLOCK = 4 << 20
LONGEST = 64 << 20
"""Bytes: a longer line is skipped."""
_BEFORE = 1024  # bytes that must be as they were for a file to count as continued


def mark(path: str) -> Observed[FileMark]:
    """What identifies the file at `path` and its present content."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        return Unknown(f"{error.strerror}")
    return Present(FileMark(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))


def before(path: str, offset: int) -> bytes:
    """A digest of the bytes before `offset`. Raises OSError."""
    with own_files.regular(path) as file:
        file.seek(max(0, offset - _BEFORE))
        return blake2b(file.read(min(offset, _BEFORE)), digest_size=8).digest()


def blocks(path: str, offset: int) -> Iterator[tuple[bytes, int]]:
    """Complete lines from `offset` on, many at a time, each time with the offset behind them. Raises OSError.

    A last line without its line end comes alone, with the offset of its beginning. A line that is longer than LONGEST
    is left out.
    """
    rest: list[bytes] = []
    with own_files.regular(path) as file:
        file.seek(offset)
        while data := file.read(_BLOCK):
            whole, end, left = data.rpartition(b"\n")
            if end:
                offset = file.tell() - len(left)
                yield (whole.partition(b"\n")[2] if _too_long(rest) else b"".join((*rest, whole))), offset
                rest = []
            if left and not _too_long(rest):
                rest.append(left)
    if rest and not _too_long(rest):
        yield b"".join(rest), offset


def _too_long(parts: list[bytes]) -> bool:
    return sum(map(len, parts)) > LONGEST
