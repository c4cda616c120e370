"""The pane below the list: a title, and lines that scroll."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .columns import cut
from .paint import BOLD, DIM, styled


class PaneText(Struct, frozen=True):
    """What the pane shows."""

    title: str = ""
    hint: str = ""
    """Which keys count."""
    lines: Sequence[Strip] = ()
    from_end: bool = False
    """Whether the last lines are shown first."""
    wraps: bool = True
    """Whether a line that is too long goes on in the next one; otherwise it is cut."""


class TextPane(ScrollView, can_focus=False):
    """Shows lines under a title; the title does not scroll."""

    DEFAULT_CSS: ClassVar[str] = """
    TextPane { height: 50%; display: none; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
               overflow-x: hidden; background: ansi_default; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text = PaneText()
        self._lines: Sequence[Strip] = ()
        self._seen = 0

    @property
    def was_read(self) -> bool:
        """Whether every line was on the screen, in the present width."""
        return self._seen >= len(self._lines)

    def show(self, text: PaneText) -> None:
        """Show this. The same title with other lines stays where the user has scrolled to."""
        before, self._text = self._text, text
        is_new = not self.display or (before.title, before.hint) != (text.title, text.hint)
        follows = text.from_end and (is_new or self.is_vertical_scroll_end)
        self.display = True
        if is_new:
            self._seen = 0
            self.refresh()
        self._lay_out()
        if follows:
            self.call_after_refresh(self.scroll_end, animate=False)
        elif is_new:
            self.scroll_to(y=0, animate=False, immediate=True)

    def hide(self) -> None:
        """Hide the pane."""
        self.display, self._lines = False, ()

    def page(self, by: int) -> None:
        """Scroll so many pages down."""
        self.scroll_to(y=self.scroll_offset.y + by * max(1, self._rows - 1), animate=False, immediate=True)

    def on_resize(self, _event: Resize) -> None:
        """Wrap the lines for the new width; what reads differently then counts as not read."""
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, top = self.size.width, int(self.scroll_offset.y)
        if y == 0:
            return self._heading(width, more=top + self._rows < len(self._lines))
        at = top + y - 1
        self._seen = max(self._seen, at + 1)
        return (self._lines[at] if at < len(self._lines) else Strip.blank(width)).crop_extend(0, width, None)

    def _heading(self, width: int, *, more: bool) -> Strip:
        hint = ", ".join(filter(None, ("pgdn: more" if more else "", self._text.hint)))
        right = f" {hint} " if hint else ""
        left = cut(f"── {self._text.title} {'─' * width}", max(0, width - len(right))).replace("…", "─")
        return styled([(left, BOLD), (right, DIM)]).crop_extend(0, width, None)

    @property
    def _rows(self) -> int:
        """How many lines fit below the title."""
        return max(0, self.size.height - 1)

    def _lay_out(self) -> None:
        """Fit the lines into the width, beside the scrollbar; draw them if they differ from those before."""
        width, lines = self.size.width - 1, self._text.lines
        if self._text.wraps and width > 0:
            lines = [part for line in lines for part in wrapped(line, width)]
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        if lines != self._lines:
            self._lines, self._seen = lines, 0
            self.refresh()


def wrapped(line: Strip, width: int) -> Iterator[Strip]:
    """A line in parts of at most this width, broken after a space where there is one."""
    while line.cell_length > width:
        text, end, used = line.text, 0, 0
        while (cells := cell_len(text[end])) + used <= width:
            used += cells
            end += 1
        space = text.rfind(" ", 0, end)
        at = cell_len(text[: space + 1]) if text[:space].strip() else used
        yield line.crop(0, at)
        line = line.crop(at, line.cell_length)
    yield line
