"""The reports that a sink still has to get, on disk: one file per sink, so that a killed monitor loses nothing.

Reports are written here before they count as reported, and removed here once this sink has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present
from reconciler.model.utf8 import as_bytes
from reconciler.model.watch import Notice
from reconciler.ports import lockfile

from .news import mark
from .state_folder import MALFORMED, StateFolder, entry_of, notice_in, read, set_aside, state_files, write

LIMIT = 1000  # reports kept for a failing sink
FILES = 100  # sinks whose backlogs are kept, including sinks that are no longer used
_VERSION = 1
_SUFFIX = ".owed"


class Backlog(Struct, frozen=True):
    """The reports still to be sent, oldest first, and how many were dropped because there were too many."""

    news: tuple[Notice, ...] = ()
    dropped: int = 0


class BacklogFile(Struct, frozen=True):
    """The file of one sink's backlog; `sink` is its name in warnings."""

    folder: StateFolder
    path: str
    sink: str
    warn: Callable[[str], None]


def backlog_file(folder: StateFolder, word: str, sink: str, warn: Callable[[str], None]) -> BacklogFile:
    """The backlog file of the sink that the option `word` names; the word may contain a secret, so it is hashed."""
    title = f"{word.partition(':')[0]}-{sha256(as_bytes(word)).hexdigest()[:16]}"
    return BacklogFile(folder, os.path.join(folder.path, title + _SUFFIX), sink, warn)


def with_news(backlog: Backlog, news: Sequence[Notice]) -> Backlog:
    """The backlog with `news` added, each once; the oldest are dropped if there are too many."""
    every = {mark(notice): notice for notice in (*backlog.news, *news)}  # each at its first place, with its latest text
    kept = tuple(every.values())[-LIMIT:]
    return Backlog(kept, backlog.dropped + len(every) - len(kept))


def without(backlog: Backlog, told: Backlog) -> Backlog:
    """The backlog without the reports in `told`."""
    done = set(map(mark, told.news))
    left = tuple(notice for notice in backlog.news if mark(notice) not in done)
    return Backlog(left, max(0, backlog.dropped - told.dropped))


# --- on disk: errors are only warnings, because a sink works without its file ------------------


def load(file: BacklogFile) -> Backlog:
    """The reports that an earlier monitor left."""
    with _warned(file):
        return _stored(file)
    return Backlog()


def add(file: BacklogFile, news: Sequence[Notice]) -> None:
    """Store reports before the sink gets them."""
    _change(file, lambda before: with_news(before, news))


def remove(file: BacklogFile, told: Backlog) -> None:
    """Remove the reports that the sink got; reports that another process added since stay."""
    _change(file, lambda before: without(before, told))


def _change(file: BacklogFile, change: Callable[[Backlog], Backlog]) -> None:
    with _warned(file), lockfile.one_at_a_time(file.folder.path):
        after = change(_stored(file))
        if after == Backlog():
            file.folder.files.delete(file.path, file.folder.path)
        else:
            write(file.folder, file.path, _content(file, after))
            _make_room(file)


@contextmanager
def _warned(file: BacklogFile) -> Iterator[None]:
    try:
        yield
    except ReconcilerError as error:
        reason = ": ".join(part for part in (error.summary, error.detail) if part)
        file.warn(f"the reports for {file.sink} cannot be stored on disk: {reason}")


def _stored(file: BacklogFile) -> Backlog:
    try:
        return _understood(read(file.folder, file.path))
    except MALFORMED:
        file.warn(set_aside(file.folder, file.path))
        return Backlog()


def _understood(content: Any) -> Backlog:
    if content is None:
        return Backlog()
    if content["version"] != _VERSION:
        raise ValueError("another version")
    return Backlog(tuple(map(notice_in, content["owed"])), int(content["dropped"]))


def _content(file: BacklogFile, backlog: Backlog) -> dict[str, Any]:
    entries = [entry_of(notice) for notice in backlog.news]
    return {"version": _VERSION, "sink": file.sink, "dropped": backlog.dropped, "owed": entries}


def _make_room(file: BacklogFile) -> None:
    """Delete the oldest files if there are too many: a sink named differently each time would fill the folder."""
    folder = file.folder
    others = [path for path in state_files(folder, _SUFFIX) if path != file.path and _changed(folder, path)]
    for path in sorted(others, key=lambda path: _changed(folder, path))[: 1 - FILES]:
        folder.files.delete(path, folder.path)
        file.warn(f"deleted {path}: too many sinks have unsent reports")


def _changed(folder: StateFolder, path: str) -> float:
    match folder.files.facts(path):
        case Present((at, _size)):
            return at
        case _:
            return 0
