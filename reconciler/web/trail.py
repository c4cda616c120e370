"""The log of what was done through the page, by whom and from where: one JSON object a line, in a file (0600)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from msgspec import Struct
from msgspec.json import encode

from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import to_millisecond
from reconciler.ports import own_files

ACTIONS = "audit.jsonl"
"""The file of actions and logins."""
REFUSED = "refused.jsonl"
"""The file of what was refused to strangers: it must not push the others out."""
_LARGEST = 4 << 20  # bytes; then it is kept as the older file, in place of the one before


class Visitor(Struct, frozen=True):
    """Who does something, and from where."""

    who: str
    """The name of a login, or of the user who started the server; empty for a browser that is not let in."""
    address: str


class TrailEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line. The text of a prompt is not in it, and no password."""

    at: str
    id: str
    """The same for the lines of one action."""
    who: str
    address: str
    """From where."""
    what: str
    """For example `login`, `answer`, `send`."""
    result: str
    """`begun`, `done`, `failed`, `refused`."""
    project: str = ""
    """The folder of the project."""
    registry: str = ""
    """Its registry: several projects may be in one folder."""
    about: str = ""
    """The address of the agent."""
    detail: str = ""


class AuditTrail:
    """Appends to the log. What cannot be written down is not done."""

    def __init__(self, folder: str, name: str, now: Callable[[], datetime]) -> None:
        self._folder, self._name, self._now, self._lock = folder, name, now, Lock()

    def entry(self, visitor: Visitor, what: str, result: str, **more: str) -> TrailEntry:
        """An entry of this moment; `more` are its other fields."""
        action = more.pop("id", "") or os.urandom(6).hex()
        return TrailEntry(
            at=to_millisecond(self._now()),
            id=action,
            who=visitor.who,
            address=visitor.address,
            what=what,
            result=result,
            **more,
        )

    def write(self, entry: TrailEntry) -> None:
        """Append an entry. Raises ReconcilerError if it cannot be written."""
        path = os.path.join(self._folder, self._name)
        try:
            with self._lock:
                own_files.make_folder(self._folder, 0o700)
                with own_files.appending(path) as file:
                    file.write(encode(entry) + b"\n")
                    size = file.tell()
                if size > _LARGEST:
                    own_files.copy(path, f"{path}.1")
                    own_files.replace(path, b"")
        except OSError as error:
            raise ReconcilerError(f"{path} cannot be written", detail=error.strerror or "") from error
