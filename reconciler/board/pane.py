"""The pane below the list: a title, and lines that scroll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .columns import cut
from .paint import BOLD, DIM, styled


class TextPane(ScrollView, can_focus=False):
    """Shows lines under a title; the title does not scroll."""

    DEFAULT_CSS: ClassVar[str] = """
    TextPane { height: 50%; display: none; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
               overflow-x: hidden; background: ansi_default; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._title, self._hint = "", ""
        self._lines: Sequence[Strip] = ()
        self._seen = 0

    @property
    def was_read(self) -> bool:
        """Whether every line was on the screen."""
        return self._seen >= len(self._lines)

    def show(self, title: str, hint: str, lines: Sequence[Strip], *, to_end: bool = False) -> None:
        """Show these lines from the first one on, or the last ones; `hint` says which keys count."""
        same = (title, hint, len(lines)) == (self._title, self._hint, len(self._lines))
        changed = not same or any(a != b for a, b in zip(lines, self._lines, strict=True))
        self._title, self._hint, self._lines, self._seen = title, hint, lines, 0
        self.display = True
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        if to_end:
            self.call_after_refresh(self.scroll_end, animate=False)
        elif not same:
            self.scroll_to(y=0, animate=False, immediate=True)
        if changed:
            self.refresh()

    def hide(self) -> None:
        """Hide the pane."""
        self.display, self._lines = False, ()

    def page(self, by: int) -> None:
        """Scroll so many pages down."""
        self.scroll_to(y=self.scroll_offset.y + by * max(1, self.size.height - 2), animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width = self.size.width
        if y == 0:
            hint = f" {self._hint} " if self._hint else ""
            left = cut(f"── {self._title} {'─' * width}", max(0, width - len(hint))).replace("…", "─")
            return styled([(left, BOLD), (hint, DIM)]).crop_extend(0, width, None)
        at = int(self.scroll_offset.y) + y - 1
        self._seen = max(self._seen, at + 1)
        return (self._lines[at] if at < len(self._lines) else Strip.blank(width)).crop_extend(0, width, None)
