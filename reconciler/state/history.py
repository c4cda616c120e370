"""The log of what was done to each agent: one JSON object per line, oldest first, append-only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from msgspec import Struct, to_builtins

from reconciler.model.errors import ReconcilerError
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.ports import own_files


class HistoryEntry(Struct, frozen=True):
    """One thing that was done."""

    at: str
    """UTC, ISO 8601."""
    address: str
    session: str
    what: str
    """The action, or `failed`."""
    reason: str = ""
    conversation: str = ""
    note: str = ""


def append(path: str, entries: Iterable[HistoryEntry]) -> None:
    """Append the entries in one write, so that a crash leaves complete lines. The file has mode 0600.

    Raises:
        ReconcilerError: The file cannot be written.
    """
    data = "".join(json.dumps(to_builtins(entry), ensure_ascii=True) + "\n" for entry in entries).encode()
    if not data:
        return
    try:
        with own_files.appending(path) as file:
            file.write(data)
    except OSError as error:
        raise ReconcilerError(f"the history cannot be written: {path}", detail=str(error)) from error


def read(path: str, address: str) -> Iterator[HistoryEntry]:
    """Yield the entries about one address; none without a file. Damaged lines are skipped.

    Raises:
        ReconcilerError: The file cannot be read.
    """
    try:
        with own_files.regular(path) as file:
            for line in file:
                entry = _entry(line)
                if entry is not None and entry.address == address:
                    yield entry
    except FileNotFoundError:
        return
    except OSError as error:
        raise ReconcilerError(f"the history cannot be read: {path}", detail=error.strerror or "") from error


def _entry(line: bytes) -> HistoryEntry | None:
    try:
        return shaped(HistoryEntry, read_json(line.decode(errors="replace")))
    except ValueError:
        return None
