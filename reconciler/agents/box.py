"""What stands in the input box of a CLI, as far as the lines of its pane show it.

A long paste is only hinted at, lines are wrapped and drawn into frames, and some characters are shown
as others: so words are looked for, not bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# Claude, Codex, Gemini and OpenCode show a long paste as `[Pasted text #1 +29 lines]` and the like, Copilot as
# `[Paste #1 - 11 lines]`.
_COLLAPSED = re.compile(r"\[(?:Pasted [\w~]|Paste #\d)")
_PLAIN = re.compile("[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
_ENOUGH = 40  # of a text's last letters and digits, to tell it from others


class InputBox(NamedTuple):
    """How an input box looks: `mark` begins its first row, or each of its rows.

    The regular expression `empty` matches all that stands right of the marks while nothing is typed. `foot` matches
    the edge below a box that has things beside it: what stands further right than the edge is not in the box.
    """

    mark: str
    empty: str = ""
    foot: str = ""


def is_empty(box: InputBox, lines: Sequence[str]) -> bool | None:
    """Whether nothing is typed into the box; None when it is not on the screen."""
    rows = _rows(box, lines)
    if not rows:
        return None
    own = "\n".join(filter(None, (_inside(box, row) for row in rows)))
    return not own or re.fullmatch(box.empty, own) is not None


def holds(box: InputBox, lines: Sequence[str], text: str) -> bool:
    """Whether the text, or a sign of its paste, stands in the box."""
    rows = _rows(box, lines)
    if not rows or is_empty(box, lines):
        return False
    shown = "\n".join(_inside(box, row) or row for row in rows)
    said, seen = _words(text), _words(shown)
    if _COLLAPSED.search(shown):
        return True
    return said[-_ENOUGH:] in seen if len(said) > _ENOUGH else seen.startswith(said)


def sign(box: InputBox, lines: Sequence[str], text: str) -> str:
    """The longest plain words of the text, or of the sign of its paste, as they stand in the box.

    Empty when there are none: letters and digits of ASCII, with single spaces, are what every terminal shows alike.
    """
    rows = (_inside(box, row) or row for row in _rows(box, lines))
    runs = (run for row in rows for run in _PLAIN.findall(row) if run in text or run.startswith("Paste"))
    return max(runs, key=len, default="")[:_ENOUGH].strip()


def _rows(box: InputBox, lines: Sequence[str]) -> Sequence[str]:
    """The lines from the first row of the last box on; a blank line ends a box, as one above it."""
    column = _column(box, lines)
    marked = [_inside(box, line) is not None for line in column]
    firsts = [at for at, is_marked in enumerate(marked) if is_marked and not (at and marked[at - 1])]
    return column[firsts[-1] :] if firsts else ()


def _column(box: InputBox, lines: Sequence[str]) -> Sequence[str]:
    """The lines without what stands beside the box."""
    feet = [len(found[0]) for line in lines if box.foot and (found := re.match(box.foot, line))]
    return [line[: feet[-1]] for line in lines] if feet else lines


def _inside(box: InputBox, line: str) -> str | None:
    found = re.fullmatch(rf"[\s│]*{re.escape(box.mark)}(?:\s(.*?))?[\s│]*", line)
    return (found[1] or "").strip() if found else None


def _words(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)
