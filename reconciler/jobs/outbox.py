"""Keep signed events on disk until the broker has acknowledged them.

The folder `<id>/outbox` has `counter`, a file `<number>.<kind>` for each waiting event, and `result.<kind>`, the event
that ended the job. That one stays, because a broker that crashes may forget what it acknowledged a moment before.
"""

from __future__ import annotations

import glob
import json
import os

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.event_kind import EventKind
from reconciler.model.job import JobEvent
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.ports.world import Files

from .record import Records, home_of

MOST_WAITING = 100
_COUNTER, _RESULT = "counter", "result"
_KINDS = frozenset(EventKind)


class Outbox(Struct, frozen=True):
    """The outbox of one job. Hold the lock of its folder while you change it."""

    folder: str
    files: Files


class OutboxEvent(Struct, frozen=True):
    """A signed event on disk. The broker is asked to retain an event that ends the job."""

    path: str
    kind: EventKind
    payload: bytes


def outbox_of(records: Records, job_id: str) -> Outbox:
    """Return the outbox of a job; its folder may be missing."""
    return Outbox(os.path.join(home_of(records, job_id), "outbox"), records.files)


def next_number(outbox: Outbox) -> tuple[str, int]:
    """Return our publisher id and the number of the next event. No number is returned twice.

    If the counter is lost, we get a new publisher id, and its numbers start at 1. Raises ReconcilerError when the
    counter cannot be written.
    """
    publisher, said = _counter(outbox) or (os.urandom(8).hex(), 0)
    seq = said + 1
    counter = {"publisher": publisher, "seq": seq}
    outbox.files.write(os.path.join(outbox.folder, _COUNTER), json.dumps(counter).encode(), 0o600)
    return publisher, seq


def put(outbox: Outbox, event: JobEvent, payload: bytes) -> OutboxEvent:
    """Store a signed event until it is settled. Raises ReconcilerError when it cannot be written."""
    kept = OutboxEvent(os.path.join(outbox.folder, f"{event.seq:012}.{event.event}"), event.event, payload)
    outbox.files.write(kept.path, payload, 0o600)
    return kept


def waiting(outbox: Outbox) -> list[OutboxEvent]:
    """The events that the broker has not acknowledged yet, oldest first."""
    return [_kept(outbox, path) for path in _paths(outbox, "[0-9]*")]


def result(outbox: Outbox) -> OutboxEvent | None:
    """The event that ended the job, once the broker has acknowledged it; else None."""
    return next((_kept(outbox, path) for path in _paths(outbox, _RESULT)), None)


def last_said(outbox: Outbox) -> float | None:
    """When the latest event was made, in Unix seconds; None before the first one."""
    facts = outbox.files.facts(os.path.join(outbox.folder, _COUNTER))
    return facts.value[0] if isinstance(facts, Present) else None


def settle(outbox: Outbox, event: OutboxEvent) -> None:
    """Mark an event as acknowledged: delete it, or keep it as the result if it ended the job."""
    if event.kind.ends_the_job:
        outbox.files.write(os.path.join(outbox.folder, f"{_RESULT}.{event.kind}"), event.payload, 0o600)
    withdraw(outbox, event)


def withdraw(outbox: Outbox, event: OutboxEvent) -> None:
    """Delete a waiting event without sending it."""
    outbox.files.delete(event.path, outbox.folder)


def _counter(outbox: Outbox) -> tuple[str, int] | None:
    """Our publisher id and its last number; None when the counter is missing or damaged."""
    found = outbox.files.read(os.path.join(outbox.folder, _COUNTER))
    if not isinstance(found, Present):
        return None
    try:
        content = read_json(found.value)
        publisher, seq = content["publisher"], content["seq"]
    except (ValueError, LookupError, TypeError):
        return None
    understood = isinstance(publisher, str) and publisher.isalnum() and type(seq) is int and seq >= 0
    return (publisher, seq) if understood else None


def _paths(outbox: Outbox, stem: str) -> list[str]:
    match outbox.files.find(os.path.join(glob.escape(outbox.folder), f"{stem}.*")):
        case Present(paths):
            return [path for path in paths if path.rpartition(".")[2] in _KINDS]
        case Unknown(reason):
            raise ReconcilerError(f"the outbox cannot be read: {reason}")
        case Absent():
            return []


def _kept(outbox: Outbox, path: str) -> OutboxEvent:
    match outbox.files.read(path):
        case Present(payload):
            return OutboxEvent(path, EventKind(path.rpartition(".")[2]), payload)
        case _:
            raise ReconcilerError(f"a waiting event cannot be read: {path}")
