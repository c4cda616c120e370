"""Turn texts into strips: styles, and screens of others in their own colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from reconciler.model.harmless import one_line
from reconciler.model.sgr import without_colours
from reconciler.render.output import coloured_line
from reconciler.render.terminal import line_style

PLAIN, BOLD, DIM = Style(), Style(bold=True), Style(dim=True)
SELECTED = Style(reverse=True)


class Palette:
    """The styles of this terminal: the colours of the user's own theme, or none at all."""

    def __init__(self, *, coloured: bool) -> None:
        self.coloured = coloured
        self.groups = {
            "needs_you": self._style("yellow", bold=True),
            "working": self._style("cyan"),
            "idle": PLAIN,
            "running": PLAIN,
            "stopped": DIM,
            "trouble": self._style("red", bold=True),
        }
        self.good, self.bad = self._style("green"), self._style("red", bold=True)

    def _style(self, colour: str, *, bold: bool = False) -> Style:
        return Style(color=colour if self.coloured else None, bold=bold or None)

    def plain_lines(self, lines: Iterable[str]) -> Iterator[Strip]:
        """Lines of others, without any style."""
        return (Strip([Segment(_shown(line), PLAIN)]) for line in lines)

    def text_lines(self, lines: Iterable[str]) -> Iterator[Strip]:
        """Lines of text; a symbol or a word at its start gives a line its style."""
        for line in lines:
            style = Style.parse(line_style(line)) if self.coloured else PLAIN
            yield Strip([Segment(_shown(line), style)])

    def screen_lines(self, lines: Iterable[str]) -> Iterator[Strip]:
        """Lines of an agent's screen; of their escape sequences, only those that colour count."""
        if not self.coloured:
            yield from (Strip([Segment(_shown(without_colours(line)))]) for line in lines)
            return
        decoder, console = AnsiDecoder(), Console(file=StringIO(), color_system="truecolor")
        for line in lines:
            text = decoder.decode_line(coloured_line(line.expandtabs()))
            yield Strip(text.render(console))


def styled(parts: Iterable[tuple[str, Style]]) -> Strip:
    """One line of texts of our own, each in its style."""
    return Strip([Segment(text, style) for text, style in parts])


def _shown(text: str) -> str:
    return one_line(text.expandtabs())
