"""The board of many hosts as one document: that of each host, with its name in every row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from reconciler.model.moment import to_second
from reconciler.render.board_words import state_of
from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.documents.board import BoardDoc, BoardHost, BoardRow

from .hosts import HostOutcome
from .over_ssh import HostStatus

TOO_OLD = "its reconciler is too old for the board: run `reconciler fleet install`"
_OTHER = "its reconciler prints another board document: run `reconciler fleet install`"
_TOO_LARGE = 2**63
_NO_COMMAND = re.compile(r"no (such )?command", re.IGNORECASE)


class HostBoard(Struct, frozen=True):
    """What is known of one host: its last answer, and the last document that it gave."""

    host: str
    outcome: HostOutcome = HostOutcome.UNKNOWN
    said: str = "it has not answered yet"
    seconds: float = 0.0
    seen: str = ""
    """When it gave the document: UTC, ISO 8601; empty without one."""
    document: BoardDoc | None = None


def with_answer(before: HostBoard, found: HostStatus, now: datetime) -> HostBoard:
    """What is known of a host after another answer. If that has no document, the one before is kept."""
    outcome, said, document = found.outcome, found.said, None
    if outcome is HostOutcome.OK and found.document is not None:
        document = _read(before.host, found.document)
        outcome, said = (outcome, "") if document else (HostOutcome.FAILED, _OTHER)
    elif _NO_COMMAND.search(said):
        said = TOO_OLD
    if document:
        return HostBoard(before.host, outcome, said, found.seconds, to_second(now), document)
    return HostBoard(before.host, outcome, said, found.seconds, before.seen, before.document)


def _read(host: str, document: Mapping[str, Any]) -> BoardDoc | None:
    """The board document of a host, with its name; None if it has another shape."""
    own: dict[str, Any] = {**document, "hosts": []}
    for key in ("projects", "agents"):
        listed = document.get(key)
        own[key] = [_named(host, each) for each in listed] if isinstance(listed, list) else listed
    try:
        read = msgspec.convert(own, BoardDoc)
    except (msgspec.ValidationError, RecursionError):
        return None
    return read if all(map(_has_usual_numbers, read["agents"])) else None


def _has_usual_numbers(row: BoardRow) -> bool:
    """Whether its numbers can be shown: Python refuses to divide or to print integers of any length."""
    work = row["work"]
    counts = [work["uncommitted"], work["added"], work["removed"]] if work else []
    return all(abs(each or 0) < _TOO_LARGE for each in (row["pid"], row["tokens_today"], *counts))


def _named(host: str, each: object) -> object:
    return {**each, "host": host} if isinstance(each, dict) else each


def hosts_document(boards: Iterable[HostBoard]) -> BoardDoc:
    """The document of `board --json -i`. The agents of a host that does not answer are unknown, never gone."""
    known = list(boards)
    documents = [(each, each.document) for each in known if each.document]
    return {
        "format_version": FORMAT_VERSION,
        "hosts": [_host(each) for each in known],
        "projects": [project for _, document in documents for project in document["projects"]],
        "agents": [row for each, document in documents for row in _rows(each, document)],
        "diagnostics": [trouble for _, document in documents for trouble in document["diagnostics"]],
    }


def _host(board: HostBoard) -> BoardHost:
    return {
        "host": board.host,
        "outcome": board.outcome.value,  # type: ignore[typeddict-item] # one of the five: nothing is applied here
        "said": board.said,
        "seconds": board.seconds,
        "seen": board.seen or None,
    }


def _rows(board: HostBoard, document: BoardDoc) -> Iterator[BoardRow]:
    if board.outcome is HostOutcome.OK:
        yield from document["agents"]
    else:
        yield from (_unknown(row, board.seen) for row in document["agents"])


def _unknown(row: BoardRow, seen: str) -> BoardRow:
    """An agent as it was seen last, on a host that does not answer now."""
    return {
        **row,
        "group": "trouble",
        "live": "unknown",
        "state": "",
        "state_since": seen,
        "waits_for": None,
        "question": None,
        "note": f"{row['host']} does not answer; when it last did: {state_of(row)}",
    }
