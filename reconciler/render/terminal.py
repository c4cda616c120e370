"""Colour and progress, on a terminal only; everywhere else the same lines go out plain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO

from msgspec import Struct

from reconciler.model.sgr import without_colours

from .displays import Drawing, Progress
from .output import write_coloured, write_lines

_STYLES = (
    ("-/+", "yellow"),
    ("+", "green"),
    ("~", "yellow"),
    ("-", "red"),
    ("!", "magenta"),
    (".", "red"),
    ("# (", "dim"),
    ("#", "bold"),
    ("Error:", "bold red"),
    ("Warning:", "bold yellow"),
    ("->", "cyan"),
    ("No changes.", "bold green"),
    ("Apply complete!", "bold green"),
    ("Destroy complete!", "bold green"),
    ("Plan:", "bold"),
    ("SESSION", "bold"),
    ("✓", "green"),
    ("✗", "red"),
    ("Verified:", "bold green"),
    ("Not verified:", "bold red"),
)


def wants_colour(stream: TextIO, env: Mapping[str, str]) -> bool:
    """NO_COLOR wins, then FORCE_COLOR, then whether a capable terminal is there."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return stream.isatty() and env.get("TERM", "dumb") != "dumb"


def show(lines: Iterable[str], stream: TextIO, env: Mapping[str, str]) -> None:
    """Write the lines, coloured by the symbol or word that each begins with where that is wanted.

    What could steer the terminal is shown instead.
    """
    if not wants_colour(stream, env):
        write_lines(stream, lines)
        return
    from .terminal_rich import print_coloured  # noqa: PLC0415 - as for `redrawn`

    print_coloured(lines, stream, line_style)


def show_screen(lines: Iterable[str], stream: TextIO, env: Mapping[str, str]) -> None:
    """Write lines that have colours of their own, with them where colours are wanted; harmless in any case."""
    if wants_colour(stream, env):
        write_coloured(stream, lines)
    else:
        write_lines(stream, map(without_colours, lines))


def line_style(line: str) -> str:
    """The style of a line, by the symbol or word that it begins with; empty for plain text."""
    text = line.lstrip()
    if ": Failed:" in line:
        return "red"
    return next((style for start, style in _STYLES if text.startswith(start)), "")


class _Silent(Struct, frozen=True):
    def doing(self, text: str) -> None:
        """Nobody looks."""

    def done(self) -> None:
        """Nobody looks."""

    def aside(self) -> AbstractContextManager[None]:
        """Nothing is in the way."""
        return nullcontext()


@contextmanager
def progress(total: int, stream: TextIO, env: Mapping[str, str]) -> Iterator[Progress]:
    """A bar on `stream` while the work lasts, if that is a terminal."""
    if not (stream.isatty() and wants_colour(stream, env)):
        yield _Silent()
        return
    from .terminal_rich import progress_bar  # noqa: PLC0415 - as for `redrawn`

    with progress_bar(total, stream) as bar:
        yield bar


class _Blocks(Struct, frozen=True):
    """Each block below the one before."""

    stream: TextIO
    env: Mapping[str, str]
    coloured: bool = False
    always: bool = False

    def lines(self, lines: Iterable[str]) -> None:
        """Show these lines now, even into a pipe."""
        if self.coloured:
            show_screen(lines, self.stream, self.env)
        else:
            show(lines, self.stream, self.env)
        self.stream.flush()


@contextmanager
def redrawn(stream: TextIO, env: Mapping[str, str], *, coloured: bool = False) -> Iterator[Drawing]:
    """Lines in one place of a capable terminal while the block lasts; one block after the other elsewhere.

    `coloured` lines have colours of their own.
    """
    if not (stream.isatty() and wants_colour(stream, env)):
        yield _Blocks(stream, env, coloured)
        return
    from .terminal_rich import drawing  # noqa: PLC0415 - rich is slow to load, and only a terminal needs it

    with drawing(stream, None if coloured else line_style) as drawn:
        yield drawn
