"""The lines of the board as HTML: a heading for each group, and a line for each agent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from urllib.parse import quote

from markupsafe import Markup
from msgspec import Struct, field

from reconciler.app.board.service import AgentKey, key_of
from reconciler.render.board_words import (
    SYMBOLS,
    WORDS,
    age_of,
    branch_of,
    counted,
    counts_of,
    job_of,
    left_out_of,
    matches,
    name_of,
    need_of,
    projects_of,
    says_of,
    shown_projects,
    state_of,
    tokens_of,
)
from reconciler.render.documents.board import BoardDoc, BoardRow
from reconciler.render.documents.common import DiagnosticDoc

from .html import page


class HtmlLine(Struct, frozen=True):
    """One line; `id` stays the same while the line changes."""

    id: str
    html: Markup


class OpenQuestion(Struct, frozen=True):
    """What an agent asks, for a notification."""

    id: str
    name: str
    text: str
    url: str


class BoardLines(Struct, frozen=True):
    """The board at one moment."""

    head: Markup
    """How many agents each group has, and what is wrong."""
    title: str
    lines: tuple[HtmlLine, ...]
    plans: Markup
    """A link to the plan of each project."""
    asks: tuple[OpenQuestion, ...]


class _KnownLine(Struct, frozen=True):
    row: BoardRow
    age: str
    several: bool
    line: HtmlLine


class LineMaker(Struct):
    """Makes the lines; one whose agent did not change is made once."""

    can_answer: bool
    _known: dict[AgentKey, _KnownLine] = field(default_factory=dict)

    def board(self, document: BoardDoc, now: datetime, wanted: str = "") -> BoardLines:
        """The lines of the agents that match a filter, those that need the user first."""
        rows = sorted((row for row in document["agents"] if matches(row, wanted)), key=need_of)
        several = len(shown_projects(document)) > 1
        counts = counts_of(document["agents"])
        needing = counts.get("needs_you", 0)
        name = projects_of(document) or "reconciler"
        return BoardLines(
            head=page("head.html", **_head(document, counts)),
            title=f"({needing}) {name}" if needing else name,
            lines=(*self._lines(rows, now, several=several), *_left_out(document)),
            plans=page("plans.html", plans=_plans(document)),
            asks=tuple(_question(row) for row in document["agents"] if row["group"] == "needs_you"),
        )

    def _lines(self, rows: list[BoardRow], now: datetime, *, several: bool) -> Iterator[HtmlLine]:
        for group, members in groupby(rows, lambda row: row["group"]):
            found = list(members)
            yield HtmlLine(f"g-{group}", page("heading.html", text=f"{WORDS[group]} ({len(found)})", group=group))
            yield from (self._line(row, age_of(row, now), several=several) for row in found)

    def _line(self, row: BoardRow, age: str, *, several: bool) -> HtmlLine:
        key, before = key_of(row), self._known.get(key_of(row))
        if before and (before.row, before.age, before.several) == (row, age, several):
            return before.line
        made = HtmlLine(line_id(key), page("line.html", **self._cells(row, age, several=several)))
        self._known[key] = _KnownLine(row, age, several, made)
        return made

    def _cells(self, row: BoardRow, age: str, *, several: bool) -> Mapping[str, object]:
        return {
            **about(row, several=several),
            "id": line_id(key_of(row)),
            "age": age,
            "says": says_of(row, with_job=True),
            "branch": branch_of(row),
            "tokens": tokens_of(row),
            "job": job_of(row),
            "can_answer": self.can_answer and row["waits_for"] == "permission",
        }


def about(row: BoardRow, *, several: bool) -> dict[str, str]:
    """What each page says about an agent; with several projects, also in which one it is."""
    return {
        "project": row["project"] if several else "",
        "folder": row["folder"],
        "session": row["session"],
        "group": row["group"],
        "symbol": SYMBOLS[row["group"]],
        "state": state_of(row),
        "name": name_of(row, typed=True),
        "place": place_of(key_of(row)),
    }


def place_of(key: AgentKey) -> str:
    """The part of a URL that means this agent. It does not tell where the project is."""
    return f"{project_id(key.registry)}/{quote(key.address, safe='')}"


def project_id(registry: str) -> str:
    """The part of a URL that means the project with this registry."""
    return _digest(registry)[:12]


def line_id(key: AgentKey) -> str:
    """The id of the line of an agent."""
    return f"a-{_digest(f'{key.registry} {key.address}')[:16]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _head(document: BoardDoc, counts: Mapping[str, int]) -> dict[str, object]:
    return {
        "counts": [(group, SYMBOLS[group], counted(group, count)) for group, count in counts.items()],
        "troubles": list(_troubles(document)),
    }


def _troubles(document: BoardDoc) -> Iterator[str]:
    for project in shown_projects(document):
        yield from (f"{project['project']}: {_trouble(each)}" for each in project["diagnostics"])
    yield from map(_trouble, document["diagnostics"])


def _trouble(diagnostic: DiagnosticDoc) -> str:
    place = f"{diagnostic['file']}:{diagnostic['line']}: " if diagnostic["file"] else ""
    return f"{place}{diagnostic['summary']}"


def _plans(document: BoardDoc) -> list[tuple[str, str]]:
    return [(each["project"], project_id(each["registry"])) for each in shown_projects(document)]


def _left_out(document: BoardDoc) -> Iterator[HtmlLine]:
    for text in left_out_of(document):
        id_ = f"p-{_digest(text)[:16]}"
        yield HtmlLine(id_, page("left_out.html", id=id_, text=text))


def _question(row: BoardRow) -> OpenQuestion:
    key = key_of(row)
    return OpenQuestion(
        line_id(key), name_of(row, typed=False), says_of(row, with_job=False), f"/agent/{place_of(key)}"
    )
