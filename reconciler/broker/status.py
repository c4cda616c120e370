"""How a broker is: its process, its users, its certificates, and whether its files are as declared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.broker import Broker, Effect, Listener
from reconciler.model.observed import Observed, Present

from . import layout, passwords
from .effect import Meaning, unread
from .expiry import Expiry, expiries
from .make import FileChange, Found, Making
from .process import Running


@dataclass(frozen=True, slots=True)
class Status:
    """Facts about a broker; `users` are those whom the live password file lets in.

    `edited` files were changed by hand; `changes` are what a making would write, with its `meaning`;
    `waiting` is what a running broker must do to follow the files that are there already.
    """

    process: Observed[Running]
    listeners: tuple[Listener, ...]
    users: tuple[str, ...]
    certificates: tuple[Expiry, ...]
    edited: tuple[str, ...]
    changes: tuple[FileChange, ...]
    meaning: Meaning
    waiting: Effect


def status(broker: Broker, found: Found, making: Making, process: Observed[Running], now: datetime) -> Status:
    """All facts together, from what was looked at and planned."""
    return Status(
        process=process,
        listeners=broker.listeners,
        users=_users(found),
        certificates=expiries(found.files, now),
        edited=found.edited,
        changes=making.changes,
        meaning=making.meaning,
        waiting=unread(process.value.read, found.files) if isinstance(process, Present) else Effect.NOTHING,
    )


def _users(found: Found) -> tuple[str, ...]:
    if layout.PASSWORDS not in found.files:
        return ()
    text = found.files[layout.PASSWORDS].data.decode("utf-8", "replace")
    return tuple(sorted(passwords.parse(text, layout.PASSWORDS)[0]))
