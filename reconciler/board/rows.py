"""Which lines the board has, and in what order: filtered, in groups, those that need the user first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.harmless import one_line
from reconciler.render.board_words import WORDS, host_lines, left_out_of, matches, names_of, need_of
from reconciler.render.documents.board import BoardDoc, BoardRow


class Grouping(StrEnum):
    """What the lines are grouped by, in the order in which a key goes through them."""

    NEED = "need"
    WORKSPACE = "workspace"
    PROJECT = "project"
    HOST = "host"
    NOTHING = "nothing"


class Heading(Struct, frozen=True):
    """A line above a group."""

    text: str
    group: str = ""
    """The group of `status`, if it is one."""


Line: TypeAlias = Heading | BoardRow
_Title: TypeAlias = Callable[[BoardRow], str]


class Arrangement(Struct, frozen=True):
    """How the user wants to see the agents."""

    grouping: Grouping = Grouping.NEED
    wanted: str = ""
    """Show only agents with this text in their line, in upper or lower case."""


def is_heading(line: Line) -> bool:
    """Whether a line is a heading, which cannot be selected."""
    return isinstance(line, Heading)


def lines_of(document: BoardDoc, arrangement: Arrangement) -> list[Line]:
    """The lines of the board; below the agents, the hosts without an answer and the projects that are left out."""
    return [*_agents(document, arrangement), *_hosts(document), *_left_out(document)]


def _hosts(document: BoardDoc) -> Iterator[Heading]:
    return (Heading(one_line(line), "trouble" if is_bad else "stopped") for line, is_bad in host_lines(document))


def _left_out(document: BoardDoc) -> Iterator[Heading]:
    return (Heading(f"✗ {one_line(line)}", "trouble") for line in left_out_of(document))


def _agents(document: BoardDoc, arrangement: Arrangement) -> list[Line]:
    rows = [row for row in document["agents"] if matches(row, arrangement.wanted)]
    match arrangement.grouping:
        case Grouping.NEED:
            return list(_grouped(sorted(rows, key=need_of), lambda row: WORDS[row["group"]]))
        case Grouping.WORKSPACE:
            rows.sort(key=lambda row: (row["host"], row["project"], row["workspace"], need_of(row)))
            return list(_grouped(rows, lambda row: _workspace(row, document)))
        case Grouping.PROJECT:
            rows.sort(key=lambda row: (row["project"], need_of(row)))
            return list(_grouped(rows, lambda row: row["project"]))
        case Grouping.HOST:
            rows.sort(key=lambda row: (row["host"], need_of(row)))
            return list(_grouped(rows, lambda row: row["host"]))
        case Grouping.NOTHING:
            return [*sorted(rows, key=need_of)]


def next_grouping(grouping: Grouping, document: BoardDoc | None) -> Grouping:
    """The grouping that follows; by project or by host only if there are several."""
    counts = {
        Grouping.PROJECT: len(names_of(document)) if document else 0,
        Grouping.HOST: len(document["hosts"]) if document else 0,
    }
    order = [each for each in Grouping if counts.get(each, 2) > 1 or each is grouping]
    return order[(order.index(grouping) + 1) % len(order)]


def _workspace(row: BoardRow, document: BoardDoc) -> str:
    project = row["project"] if len(names_of(document)) > 1 else ""
    return ": ".join(filter(None, (row["host"], project, row["workspace"])))


def _grouped(rows: Sequence[BoardRow], title: _Title) -> Iterator[Line]:
    for text, members in groupby(rows, title):
        found = list(members)
        groups = {row["group"] for row in found}
        own = next(iter(groups)) if len(groups) == 1 and text == WORDS[next(iter(groups))] else ""
        yield Heading(f"{text} ({len(found)})", own)
        yield from found
