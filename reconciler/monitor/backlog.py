"""What a sink is still to be told, on disk: one file a sink, so that no news is lost with a monitor that is killed.

News are written here before they are struck off for everybody, and struck off here once this sink was told.
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

LIMIT = 1000  # news that are kept for a sink that fails
FILES = 100  # sinks, also those that nobody asks for any more, whose backlogs are kept
_VERSION = 1
_SUFFIX = ".owed"


class Backlog(Struct, frozen=True):
    """What is still to be told, the oldest first, and how much more there was before it was too much."""

    news: tuple[Notice, ...] = ()
    dropped: int = 0


class BacklogFile(Struct, frozen=True):
    """The file of one sink's backlog; `sink` is how warnings call it."""

    folder: StateFolder
    path: str
    sink: str
    warn: Callable[[str], None]


def backlog_file(folder: StateFolder, word: str, sink: str, warn: Callable[[str], None]) -> BacklogFile:
    """The file of the sink that the command line asks for by `word`, which may hold a secret."""
    title = f"{word.partition(':')[0]}-{sha256(as_bytes(word)).hexdigest()[:16]}"
    return BacklogFile(folder, os.path.join(folder.path, title + _SUFFIX), sink, warn)


def with_news(backlog: Backlog, news: Sequence[Notice]) -> Backlog:
    """The same with `news` behind it, each once; the oldest are dropped when there are too many."""
    every = {mark(notice): notice for notice in (*backlog.news, *news)}  # each at its first place, in its last words
    kept = tuple(every.values())[-LIMIT:]
    return Backlog(kept, backlog.dropped + len(every) - len(kept))


def without(backlog: Backlog, told: Backlog) -> Backlog:
    """What is left when these were told."""
    done = set(map(mark, told.news))
    left = tuple(notice for notice in backlog.news if mark(notice) not in done)
    return Backlog(left, max(0, backlog.dropped - told.dropped))


# --- on disk: what goes wrong is a warning, since a sink can be told without --------------------


def load(file: BacklogFile) -> Backlog:
    """What an earlier monitor left behind."""
    with _warned(file):
        return _stored(file)
    return Backlog()


def add(file: BacklogFile, news: Sequence[Notice]) -> None:
    """Write down what the sink is about to be told."""
    _change(file, lambda before: with_news(before, news))


def remove(file: BacklogFile, told: Backlog) -> None:
    """Strike off what the sink was told; what somebody beside us has written since stays."""
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
        file.warn(f"what {file.sink} is owed cannot be kept on disk: {reason}")


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
    """A sink that is called by another word each time would fill the folder."""
    folder = file.folder
    others = [path for path in state_files(folder, _SUFFIX) if path != file.path and _changed(folder, path)]
    for path in sorted(others, key=lambda path: _changed(folder, path))[: 1 - FILES]:
        folder.files.delete(path, folder.path)
        file.warn(f"{path} is given up: so many sinks are owed something")


def _changed(folder: StateFolder, path: str) -> float:
    match folder.files.facts(path):
        case Present((at, _size)):
            return at
        case _:
            return 0
