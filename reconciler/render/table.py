"""Rows of words as aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.harmless import one_line


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """One line per row; each column is as wide as its widest cell. All rows have the same number of cells."""
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
