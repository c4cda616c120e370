"""The list of agents: one line each, drawn one by one, so that a changed cell costs one line and not the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from rich.segment import Segment
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from reconciler.app.board.service import AgentKey, key_of
from reconciler.render.documents.board import BoardRow

from .columns import Column, cells_of, columns_for, cut, heads_of
from .paint import BOLD, DIM, PLAIN, SELECTED, Palette, styled
from .rows import Heading, Line

_GAP = "  "


class AgentList(ScrollView, can_focus=False):
    """Shows lines and one selected agent. The selection stays on its agent while lines move."""

    DEFAULT_CSS: ClassVar[str] = """
    AgentList { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; background: ansi_default; }
    """

    class AgentSelected(Message):
        """Another agent is selected, or none."""

    class AgentsShown(Message):
        """Other agents are visible."""

    class AgentChosen(Message):
        """The user clicked twice on an agent."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._lines: Sequence[Line] = ()
        self._columns: tuple[Column, ...] = ()
        self._projects = 1
        self._places: dict[AgentKey, int] = {}
        self._selected: AgentKey | None = None
        self._now: datetime | None = None

    # --- what is shown ----------------------------------------------------------------------------

    @property
    def selected_row(self) -> BoardRow | None:
        """The selected agent."""
        line = self._lines[self._places[self._selected]] if self._selected in self._places else None
        return line if isinstance(line, dict) else None

    @property
    def shown_agents(self) -> list[AgentKey]:
        """The agents whose lines are on the screen."""
        top = int(self.scroll_offset.y)
        return [key_of(line) for line in self._lines[top : top + self._rows] if isinstance(line, dict)]

    def show(self, lines: Sequence[Line], now: datetime, projects: int) -> None:
        """Show these lines; only those that differ are drawn again."""
        before, self._lines, self._now, self._projects = self._lines, lines, now, projects
        self._places = {key_of(line): at for at, line in enumerate(lines) if isinstance(line, dict)}
        was = self._selected
        self._keep_selection(before)
        if self._measured() or len(lines) != len(before):
            self.virtual_size = Size(self.size.width, len(lines) + 1)
            self.refresh()
        else:
            self._draw_again(at for at, pair in enumerate(zip(before, lines, strict=True)) if pair[0] != pair[1])
        self._follow(was)

    def tick(self, now: datetime) -> None:
        """Show the ages of this moment; only lines whose age reads differently are drawn again."""
        before, self._now = self._now, now
        if before is None:
            return
        top = int(self.scroll_offset.y)
        rows = list(enumerate(self._lines))[top : top + self._rows]
        self._draw_again(at for at, line in rows if self._cells(line, before) != self._cells(line, now))

    def _cells(self, line: Line, now: datetime) -> list[str]:
        return [] if isinstance(line, Heading) else list(cells_of(line, self._columns, now))

    def _draw_again(self, places: Iterable[int]) -> None:
        top, rows = int(self.scroll_offset.y), self._rows
        for at in places:
            if top <= at < top + rows:
                self.refresh(Region(0, at - top + 1, self.size.width, 1))

    def _measured(self) -> bool:
        """Measure the columns. Returns whether they are others now."""
        rows = (line for line in self._lines if isinstance(line, dict))
        columns = columns_for(self._width, rows, self._projects)
        changed, self._columns = columns != self._columns, columns
        return changed

    @property
    def _width(self) -> int:
        """The columns beside the scrollbar, for which there is room even while it is not shown."""
        return max(0, self.size.width - 1)

    @property
    def _rows(self) -> int:
        """How many lines fit below the names of the columns."""
        return max(0, self.size.height - 1)

    # --- drawing ----------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line; the first has the names of the columns and does not scroll."""
        if y == 0:
            return styled([(_GAP.join(heads_of(self._columns)), DIM)]).crop_extend(0, self._width, None)
        at = int(self.scroll_offset.y) + y - 1
        if at >= len(self._lines):
            return Strip.blank(self._width)
        line = self._lines[at]
        strip = self._heading(line) if isinstance(line, Heading) else self._row(line)
        return strip.crop_extend(0, self._width, None)

    def _heading(self, line: Heading) -> Strip:
        style = self._palette.groups.get(line.group, BOLD)
        return styled([(cut(line.text, self._width), style)])

    def _row(self, row: BoardRow) -> Strip:
        cells = list(cells_of(row, self._columns, self._now)) if self._now else []
        if key_of(row) == self._selected:
            return Strip([Segment(_GAP.join(cells).ljust(self._width), SELECTED)])
        own, rests = self._palette.groups[row["group"]], row["group"] == "stopped"
        styles = {"": own, "STATE": own, "FOR": DIM, "AGENT": DIM if rests else BOLD, "BRANCH": DIM, "TYPE": DIM}
        usual = own if row["group"] == "needs_you" else DIM if rests else PLAIN
        pairs = zip(cells, self._columns, strict=True)
        return styled((cell + _GAP, styles.get(column.name, usual)) for cell, column in pairs)

    # --- selecting --------------------------------------------------------------------------------

    def move(self, by: int) -> None:
        """Select another agent, so many further down."""
        places = sorted(self._places.values())
        if not places:
            return
        here = self._places.get(self._selected) if self._selected else None
        at = places.index(here) if here is not None else 0
        self.select(places[min(max(at + by, 0), len(places) - 1)])

    def select(self, at: int) -> None:
        """Select the agent in this line."""
        line, was = self._lines[at], self._selected
        if isinstance(line, dict) and key_of(line) != was:
            self._selected = key_of(line)
            self._draw_again([at, *([self._places[was]] if was in self._places else [])])
            self._follow(was)

    @property
    def page(self) -> int:
        """How many lines a page has."""
        return max(1, self._rows - 1)

    def _keep_selection(self, before: Sequence[Line]) -> None:
        """Keep the selected agent; where it is gone, the one that took its place."""
        if self._selected in self._places or not self._places:
            self._selected = self._selected if self._places else None
            return
        keys = [key_of(line) if isinstance(line, dict) else None for line in before]
        old = keys.index(self._selected) if self._selected in keys else 0
        self._selected = min(self._places, key=lambda key: abs(self._places[key] - old))

    def _follow(self, was: AgentKey | None) -> None:
        """Scroll to the selected agent, and say what is selected and visible now."""
        at = self._places.get(self._selected) if self._selected else None
        if at is not None:
            top = int(self.scroll_offset.y)
            first = 0 if at <= 1 else min(at, top) if at < top else max(top, at - self._rows + 1)
            if first != top:
                self.scroll_to(y=first, animate=False, immediate=True)
        if was != self._selected:
            self.post_message(self.AgentSelected())
        self.post_message(self.AgentsShown())

    # --- events -----------------------------------------------------------------------------------

    def on_resize(self, _event: Resize) -> None:
        """Measure again."""
        self._measured()
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self.refresh()
        self.post_message(self.AgentsShown())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say that other agents are visible."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.AgentsShown())

    def on_click(self, event: Click) -> None:
        """Select the agent under the mouse; a second click opens it."""
        at = int(self.scroll_offset.y) + event.y - 1
        if event.y > 0 and at < len(self._lines) and isinstance(self._lines[at], dict):
            self.select(at)
            if event.chain == 2:
                self.post_message(self.AgentChosen())
