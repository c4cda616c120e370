"""Colour and progress on a terminal; in a pipe or file the same lines are plain text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
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
    ("! warning:", "yellow"),
    ("!", "magenta"),
    ("? not known:", "magenta"),
    ("• note:", "cyan"),
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
    """Whether to use colour: NO_COLOR decides first, then FORCE_COLOR, then whether `stream` is a capable terminal."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return stream.isatty() and env.get("TERM", "dumb") != "dumb"


def draws(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal on which lines can be drawn over, with colours or without."""
    return stream.isatty() and env.get("TERM", "dumb") != "dumb"


def show(lines: Iterable[str], stream: TextIO, env: Mapping[str, str]) -> None:
    """Write the lines. Where colour is wanted, the symbol or word at its start gives each line its colour.

    Control characters are shown, never sent to the terminal.
    """
    if not wants_colour(stream, env):
        write_lines(stream, lines)
        return
    _late("terminal_rich").print_coloured(lines, stream, line_style)


def show_page(markdown: str, stream: TextIO, env: Mapping[str, str]) -> None:
    """Write a page of our own documentation: laid out on a terminal, elsewhere as it is."""
    if draws(stream, env):
        _late("terminal_page").print_page(markdown, stream, coloured=wants_colour(stream, env))
    else:
        write_lines(stream, markdown.splitlines())


def _late(name: str) -> ModuleType:
    """A module of this folder that draws with rich, which is slow to load and which only a terminal needs."""
    return import_module(f".{name}", __package__)


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
        """Show nothing: the output is not a terminal."""

    def done(self) -> None:
        """Show nothing: the output is not a terminal."""

    def aside(self) -> AbstractContextManager[None]:
        """Do nothing: no display has to make room."""
        return nullcontext()


@contextmanager
def progress(total: int, stream: TextIO, env: Mapping[str, str]) -> Iterator[Progress]:
    """Show a progress bar on `stream` while the block runs, if it is a terminal."""
    if not (stream.isatty() and wants_colour(stream, env)):
        yield _Silent()
        return
    with _late("terminal_rich").progress_bar(total, stream) as bar:
        yield bar


class _Blocks(Struct, frozen=True):
    """Writes each block of lines below the previous one."""

    stream: TextIO
    env: Mapping[str, str]
    coloured: bool = False
    always: bool = False

    def lines(self, lines: Iterable[str]) -> None:
        """Write these lines and flush, so that a pipe gets them at once."""
        if self.coloured:
            show_screen(lines, self.stream, self.env)
        else:
            show(lines, self.stream, self.env)
        self.stream.flush()


@contextmanager
def redrawn(stream: TextIO, env: Mapping[str, str], *, coloured: bool = False) -> Iterator[Drawing]:
    """Redraw lines in place on a capable terminal while the block runs; elsewhere, write each set below the last.

    `coloured` lines have colours of their own.
    """
    if not (stream.isatty() and wants_colour(stream, env)):
        yield _Blocks(stream, env, coloured)
        return
    with _late("terminal_rich").drawing(stream, None if coloured else line_style) as drawn:
        yield drawn


def columns(stream: TextIO, env: Mapping[str, str]) -> int:
    """How many columns the terminal of `stream` has; 80 if that is not known.

    `shutil`, which knows it, too, takes long to load.
    """
    told = env.get("COLUMNS", "")
    if told.isascii() and told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
