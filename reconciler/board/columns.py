"""The cells of a line, and how wide its columns are on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from reconciler.model.harmless import one_line
from reconciler.render.board_words import SYMBOLS, age_of, branch_of, job_of, name_of, says_of, state_of, tokens_of
from reconciler.render.documents.board import BoardRow

_MIDDLE, _WIDE = 100, 150  # columns of the terminal from which on more is shown
_LONGEST_NAME = {True: 44, False: 26}


class Column(Struct, frozen=True):
    """One column."""

    name: str
    width: int
    right: bool = False
    """Whether its text ends at its right edge."""


def is_narrow(width: int) -> bool:
    """Whether a terminal of this width has no room for all columns."""
    return width < _MIDDLE


def columns_for(width: int, rows: Iterable[BoardRow], projects: int) -> tuple[Column, ...]:
    """The columns that fit into this width, with what these agents need."""
    seen = list(rows)
    is_wide, is_middle = width >= _WIDE, width >= _MIDDLE
    name = _longest((name_of(row, typed=not is_wide) for row in seen), 10, _LONGEST_NAME[is_middle])
    columns = [Column("", 1), Column("STATE", 8), Column("FOR", 3, right=True)]
    if any(row["host"] for row in seen):
        columns.insert(0, Column("HOST", _longest((row["host"] for row in seen), 4, 20 if is_middle else 12)))
    if projects > 1:
        columns.append(Column("PROJECT", _longest((row["project"] for row in seen), 7, 20 if is_middle else 12)))
    columns.append(Column("AGENT", name))
    if is_wide:
        columns.append(Column("TYPE", _longest((row["type"] for row in seen), 4, 12)))
    columns.append(Column("SAYS", 0))
    if any(row["work"] for row in seen):
        columns.append(Column("BRANCH", _longest(map(branch_of, seen), 6, 36 if is_wide else 24 if is_middle else 12)))
    if is_middle and any(row["tokens_today"] for row in seen):
        columns.append(Column("TODAY", 5, right=True))
    if is_middle and any(row["job"] for row in seen):
        columns.append(Column("JOB", _longest(map(job_of, seen), 3, 24)))
    taken = sum(column.width for column in columns) + 2 * (len(columns) - 1)
    return tuple(Column("SAYS", max(0, width - taken)) if each.name == "SAYS" else each for each in columns)


def cells_of(row: BoardRow, columns: Iterable[Column], now: datetime) -> Iterator[str]:
    """The text of each cell, cut or filled to the width of its column."""
    names = {column.name for column in columns}
    texts = {
        "HOST": row["host"],
        "": SYMBOLS[row["group"]],
        "STATE": state_of(row),
        "FOR": age_of(row, now),
        "PROJECT": row["project"],
        "AGENT": name_of(row, typed="TYPE" not in names),
        "TYPE": row["type"],
        "SAYS": says_of(row, with_job="JOB" not in names),
        "BRANCH": branch_of(row),
        "TODAY": tokens_of(row),
        "JOB": job_of(row),
    }
    yield from (fitted(one_line(texts[column.name]), column) for column in columns)


def heads_of(columns: Iterable[Column]) -> Iterator[str]:
    """The names of the columns."""
    return (fitted(column.name, column) for column in columns)


def rest_of(row: BoardRow, *, with_folder: bool) -> str:
    """What a narrow terminal has no column for, or only a short one: name, host, branch, tokens, job, folder."""
    tokens = tokens_of(row)
    parts = [
        name_of(row, typed=True),
        f"on {row['host']}" if row["host"] else "",
        branch_of(row),
        f"{tokens} tokens today" if tokens else "",
    ]
    parts += [f"job {job_of(row)}" if row["job"] else "", f"in {row['folder']}" if with_folder else ""]
    return one_line("  ".join(filter(None, parts)))


def fitted(text: str, column: Column) -> str:
    """The text in exactly the cells of the column."""
    if text.isascii() and len(text) <= column.width:
        return text.rjust(column.width) if column.right else text.ljust(column.width)
    if column.right:
        text = " " * (column.width - cell_len(text)) + text
    return cut(text, column.width)


def cut(text: str, width: int) -> str:
    """The text in exactly `width` cells; where something is left out, it ends with an ellipsis."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def _longest(texts: Iterable[str], least: int, most: int) -> int:
    return min(max([least, *map(cell_len, texts)]), most)
