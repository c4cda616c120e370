"""What a sink is still to be told, on disk: one file a sink, so that a monitor that is killed takes no news along.

News are written here before they are struck off for everybody, and struck off here once this sink was told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present
from reconciler.model.utf8 import as_bytes
from reconciler.model.watch import Notice
from reconciler.ports import lockfile

from .news import mark
from .notebook import NONSENSE, Notebook, entry_of, notice_in, pages, read, set_aside, write

LIMIT = 1000  # news that are kept for a sink that fails
FILES = 100  # sinks, also those that nobody asks for any more, whose debts are kept
_VERSION = 1
_SUFFIX = ".owed"


@dataclass(frozen=True, slots=True)
class Owed:
    """What is still to be told, the oldest first, and how much more there was before it was too much."""

    news: tuple[Notice, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Where it stands what one sink is owed; `sink` is how warnings call it."""

    book: Notebook
    path: str
    sink: str
    warn: Callable[[str], None]


def account_of(book: Notebook, word: str, sink: str, warn: Callable[[str], None]) -> Account:
    """The account of the sink that the command line asks for by `word`, which may hold a secret."""
    title = f"{word.partition(':')[0]}-{sha256(as_bytes(word)).hexdigest()[:16]}"
    return Account(book, os.path.join(book.folder, title + _SUFFIX), sink, warn)


def plus(owed: Owed, news: Sequence[Notice]) -> Owed:
    """The same with `news` behind it, each once; the oldest are dropped when there are too many."""
    every = {mark(notice): notice for notice in (*owed.news, *news)}  # each at its first place, in its last words
    kept = tuple(every.values())[-LIMIT:]
    return Owed(kept, owed.dropped + len(every) - len(kept))


def minus(owed: Owed, told: Owed) -> Owed:
    """What is left when these were told."""
    done = set(map(mark, told.news))
    left = tuple(notice for notice in owed.news if mark(notice) not in done)
    return Owed(left, max(0, owed.dropped - told.dropped))


# --- on disk: what goes wrong is a warning, since a sink can be told without --------------------


def recall(account: Account) -> Owed:
    """What an earlier monitor left behind."""
    with _warned(account):
        return _stored(account)
    return Owed()


def owe(account: Account, news: Sequence[Notice]) -> None:
    """Write down what the sink is about to be told."""
    _change(account, lambda before: plus(before, news))


def settle(account: Account, told: Owed) -> None:
    """Strike off what the sink was told; what somebody beside us has written since stays."""
    _change(account, lambda before: minus(before, told))


def _change(account: Account, change: Callable[[Owed], Owed]) -> None:
    with _warned(account), lockfile.one_at_a_time(account.book.folder):
        after = change(_stored(account))
        if after == Owed():
            account.book.files.delete(account.path, account.book.folder)
        else:
            write(account.book, account.path, _content(account, after))
            _make_room(account)


@contextmanager
def _warned(account: Account) -> Iterator[None]:
    try:
        yield
    except ReconcilerError as error:
        reason = ": ".join(part for part in (error.summary, error.detail) if part)
        account.warn(f"what {account.sink} is owed cannot be kept on disk: {reason}")


def _stored(account: Account) -> Owed:
    try:
        return _understood(read(account.book, account.path))
    except NONSENSE:
        account.warn(set_aside(account.book, account.path))
        return Owed()


def _understood(content: Any) -> Owed:
    if content is None:
        return Owed()
    if content["version"] != _VERSION:
        raise ValueError("another version")
    return Owed(tuple(map(notice_in, content["owed"])), int(content["dropped"]))


def _content(account: Account, owed: Owed) -> dict[str, Any]:
    entries = [entry_of(notice) for notice in owed.news]
    return {"version": _VERSION, "sink": account.sink, "dropped": owed.dropped, "owed": entries}


def _make_room(account: Account) -> None:
    """A sink that is called by another word each time would fill the folder."""
    book = account.book
    others = [path for path in pages(book, _SUFFIX) if path != account.path and _changed(book, path)]
    for path in sorted(others, key=lambda path: _changed(book, path))[: 1 - FILES]:
        book.files.delete(path, book.folder)
        account.warn(f"{path} is given up: so many sinks are owed something")


def _changed(book: Notebook, path: str) -> float:
    match book.files.facts(path):
        case Present((at, _size)):
            return at
        case _:
            return 0
