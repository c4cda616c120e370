"""A page of our own documentation, laid out for a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.markdown import Markdown

from .output import styled

_WIDEST = 110  # columns


def print_page(markdown: str, stream: TextIO, *, coloured: bool) -> None:
    """Lay out a page of Markdown, at most 110 columns wide."""
    console = Console(file=styled(stream), no_color=not coloured)
    console.width = min(console.width, _WIDEST)
    console.print(Markdown(markdown, hyperlinks=False))
