"""Colours, a progress bar and redrawn lines, for a capable terminal; `terminal` decides when to use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from .displays import Drawing, Progress
from .output import coloured_line, escape_line, styled


def print_coloured(lines: Iterable[str], stream: TextIO, style: Callable[[str], str]) -> None:
    """Write each line in its style; control characters are shown, never sent to the terminal."""
    console = Console(
        file=styled(stream),
        force_terminal=True,
        color_system="standard",
        soft_wrap=True,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for line in map(escape_line, lines):
        console.print(line, style=style(line))


@contextmanager
def progress_bar(total: int, stream: TextIO) -> Iterator[Progress]:
    """Show a progress bar for `total` pieces of work while the block runs."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=Console(file=styled(stream)), transient=True) as bar:
        task = bar.add_task("", total=total)

        class Shown:
            def doing(self, text: str) -> None:
                bar.update(task, description=escape_line(text))

            def done(self) -> None:
                bar.advance(task)

            @contextmanager
            def aside(self) -> Iterator[None]:
                bar.stop()
                yield
                bar.start()

        yield Shown()


@contextmanager
def drawing(stream: TextIO, style: Callable[[str], str] | None) -> Iterator[Drawing]:
    """Lines that are drawn over those before, while the block lasts; without a style they have colours of their own."""
    with Live(console=Console(file=styled(stream)), auto_refresh=False, vertical_overflow="crop") as live:

        class Drawn:
            always = True

            def lines(self, lines: Iterable[str]) -> None:
                live.update(Text(end="").join(_row(line, style) for line in lines), refresh=True)

        yield Drawn()


def _row(line: str, style: Callable[[str], str] | None) -> Text:
    if style is None:
        return Text.from_ansi(coloured_line(line), no_wrap=True).append("\n")
    text = escape_line(line)
    return Text(f"{text}\n", style(text), no_wrap=True)
