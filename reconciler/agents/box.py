"""Read the input box of a CLI from the lines of its pane.

CLIs collapse a long paste, wrap lines, draw frames around them and replace some characters. So the functions compare
words, not bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# Claude, Codex, Gemini and OpenCode show a long paste as `[Pasted text #1 +29 lines]` and the like, Copilot as
# `[Paste #1 - 11 lines]`, pi as `[paste #1 +30 lines]`, Cline as `[its beginning... Pasted +30 lines]`.
_COLLAPSED = re.compile(r"\[(?:Pasted [\w~]|[Pp]aste #\d)|\.\.\. Pasted \+\d")
_PLAIN = re.compile("[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
_ENOUGH = 40  # letters and digits at the end of a text: enough to recognise it


class InputBox(NamedTuple):
    """How an input box looks."""

    # The text with which its first row begins, or each of its rows.
    mark: str
    # A regular expression for everything right of the marks while nothing is typed: the hint that the CLI shows.
    empty: str = ""
    # A regular expression for the lower edge of a box beside a sidebar: text further right is not in the box.
    foot: str = ""
    # A regular expression for the lines above and below a box whose rows have no mark.
    frame: str = ""


def is_empty(box: InputBox, lines: Sequence[str]) -> bool | None:
    """True when nothing is typed into the box; None when the box is not on the screen."""
    rows = _rows(box, lines)
    if not rows:
        return None
    own = "\n".join(filter(None, (_inside(box, row) for row in rows)))
    return not own or re.fullmatch(box.empty, own) is not None


def holds(box: InputBox, lines: Sequence[str], text: str) -> bool:
    """True when the box contains the text, or the line that a CLI shows for a collapsed paste."""
    rows = _rows(box, lines)
    if not rows or is_empty(box, lines):
        return False
    shown = "\n".join(_inside(box, row) or row for row in rows)
    expected, found = _words(text), _words(shown)
    if _COLLAPSED.search(shown):
        return True
    return expected[-_ENOUGH:] in found if len(expected) > _ENOUGH else found.startswith(expected)


def sign(box: InputBox, lines: Sequence[str], text: str) -> str:
    """The longest run of plain words of the text, or of its collapsed paste, that the box shows; empty if none.

    Plain words are ASCII letters and digits with single spaces: every terminal shows them in the same way.
    """
    rows = (_inside(box, row) or row for row in _rows(box, lines))
    runs = (run for row in rows for run in _PLAIN.findall(row) if run in text or run.startswith(("Paste", "paste")))
    return max(runs, key=len, default="")[:_ENOUGH].strip()


def _rows(box: InputBox, lines: Sequence[str]) -> Sequence[str]:
    """The lines from the first row of the last box to the end. A line without the mark separates two boxes."""
    if box.frame:
        return _framed(box, lines)
    column = _column(box, lines)
    marked = [_inside(box, line) is not None for line in column]
    firsts = [at for at, is_marked in enumerate(marked) if is_marked and not (at and marked[at - 1])]
    return column[firsts[-1] :] if firsts else ()


def _framed(box: InputBox, lines: Sequence[str]) -> Sequence[str]:
    """The lines inside the last frame."""
    edges = [at for at, line in enumerate(lines) if re.fullmatch(box.frame, line.strip())]
    return lines[edges[-2] + 1 : edges[-1]] if len(edges) > 1 else ()


def _column(box: InputBox, lines: Sequence[str]) -> Sequence[str]:
    """The lines without what is beside the box, such as a sidebar."""
    feet = [len(found[0]) for line in lines if box.foot and (found := re.match(box.foot, line))]
    return [line[: feet[-1]] for line in lines] if feet else lines


def _inside(box: InputBox, line: str) -> str | None:
    if box.frame:
        return line.strip()
    found = re.fullmatch(rf"[\s│]*{re.escape(box.mark)}(?:\s(.*?))?[\s│]*", line)
    return (found[1] or "").strip() if found else None


def _words(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)
