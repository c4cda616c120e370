"""Read-only queries in the SQLite databases of other programs."""

from __future__ import annotations

import os
import sqlite3
import stat
from time import monotonic
from urllib.parse import quote

from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.ports.world import Row

_MOST_ROWS = 10_000
_SECONDS = 2.0
_BESIDE = ("", "-wal", "-shm", "-journal")  # the files that SQLite opens for one database
_LONGEST = 10.0  # seconds for one query, because a database may have any size
_STEPS = 10_000


def ask(path: str, statement: str, parameters: tuple[str, ...], most: int = _MOST_ROWS) -> Observed[tuple[Row, ...]]:
    """At most `most` rows of the statement, if it takes at most 10 s.

    The database is opened read-only and not locked for long.
    A database without the table is `Absent`: its program has not stored anything of that kind yet.
    """
    for each in _BESIDE:
        if _is_strange(path + each):
            return Unknown(f"{path}{each}: not a regular file")

    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=_SECONDS)
        try:
            deadline = monotonic() + _LONGEST
            connection.set_progress_handler(lambda: monotonic() > deadline, _STEPS)
            return Present(tuple(connection.execute(statement, parameters).fetchmany(most)))
        finally:
            connection.close()
    except sqlite3.Error as error:
        return ABSENT if "no such table" in str(error) else Unknown(f"{path}: {error}")


def _is_strange(path: str) -> bool:
    """Whether the path is not a regular file. SQLite would wait for ever, for example for the writer of a pipe."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:  # it is missing, or SQLite will report the error
        return False
