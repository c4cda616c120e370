"""Colours in the text of others: the sequences that only colour stay, and all else can be made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

RESET = "\x1b[0m"
SGR = re.compile(r"\x1b\[[0-9;:]{0,64}m")
"""Select Graphic Rendition (ECMA-48): it colours what follows, and does nothing else."""

_RESETS = re.compile(r"\x1b\[(?:0+)?[;m]")
_LINKS = re.compile(r"\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)")
_LINES_DRAWN = re.compile("\x0e([^\x0f]*)\x0f?")
_DRAWN = str.maketrans("`afgjklmnopqrstuvwxyz{|}~", "◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")  # VT100 line drawing
_MOST = 64  # sequences that one line can begin with


def colour_lines(captured: str) -> Iterator[str]:
    """The lines of a screen that tmux captured with its colours; each has all of its own, and ends without any.

    Links are left out, and characters of VT100's line drawing are those that they look like.
    """
    active: dict[str, None] = {}
    for line in captured.split("\n"):
        text = _LINES_DRAWN.sub(lambda drawn: drawn[1].translate(_DRAWN), _LINKS.sub("", line)).rstrip()
        before = "".join(active)
        for sequence in SGR.findall(text):
            _note(active, sequence)
        yield f"{before}{text}{RESET}" if before or SGR.search(text) else text


def _note(active: dict[str, None], sequence: str) -> None:
    if _RESETS.match(sequence):
        active.clear()
    if not re.fullmatch(r"\x1b\[0*m", sequence):
        active.pop(sequence, None)
        active[sequence] = None
    if len(active) > _MOST:
        del active[next(iter(active))]


def without_colours(line: str) -> str:
    """The line as it would stand on a screen without colours."""
    return SGR.sub("", line).rstrip()


def last_of(lines: Iterable[str], count: int) -> list[str]:
    """The lines without the blank ones at the end; with a count, only the last ones."""
    kept = list(lines)
    while kept and not without_colours(kept[-1]):
        kept.pop()
    return kept[-count:] if count else kept
