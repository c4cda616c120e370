"""Recognise a broker that was healthy and has not changed, without loading the libraries that check one.

They take a quarter of a second to load, and a plan without changes needs them for nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from reconciler.broker.files import layout, sets
from reconciler.broker.files.effect import Fingerprints
from reconciler.model.broker import Broker, Survey, Target
from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import parse_zoned
from reconciler.model.observed import Absent, Observed, Present
from reconciler.model.record import Json
from reconciler.ports import own_files

from . import process, program
from .process import Machine, Running


class HealthyBroker(Struct, frozen=True):
    """What is stored about a healthy broker."""

    prints: Fingerprints
    """The files that it must have read if it runs."""
    since: datetime
    until: datetime
    """Between the two moments, no certificate is due for renewal."""

    def document(self) -> Json:
        """The content for the cache."""
        prints = {"start": self.prints.start, "reload": self.prints.reload}
        return {"prints": prints, "since": self.since.isoformat(), "until": self.until.isoformat()}


def mark(broker: Broker, path: str, machine: Machine) -> str:
    """A digest of everything that a survey depends on, except time and process; empty if a file is unusual.

    It covers the settings, each file with its mode, a CA from the settings, the current user, and Mosquitto's program.
    """
    try:
        facts = list(_facts(broker, path, machine))
    except (ReconcilerError, OSError):
        return ""
    return sha256(repr(facts).encode()).hexdigest() if all(facts) else ""


def recognised(document: Json, broker: Broker, machine: Machine) -> Survey | None:
    """The survey of a broker with this stored content; None when it must be checked closely."""
    memory = _understood(document)
    if memory is None or not memory.since <= machine.clock.now() < memory.until:
        return None
    running = process.running(broker.directory, machine.processes)
    if not _as_remembered(broker, running, memory):
        return None
    runs = True if broker.target is Target.PROCESS else None
    return Survey(made=True, runs=runs, basis=basis(memory.prints, running))


def basis(read: Fingerprints, running: Observed[Running]) -> str:
    """The live facts that a survey depends on: the files and the process."""
    return f"{read.start} {read.reload} {running.value.pid if isinstance(running, Present) else 0}"


def _as_remembered(broker: Broker, running: Observed[Running], memory: HealthyBroker) -> bool:
    """Whether the broker has read the files if it runs; one that must run and does not is not healthy."""
    if isinstance(running, Present):
        return running.value.read == memory.prints
    return isinstance(running, Absent) and broker.target is not Target.PROCESS


def _facts(broker: Broker, path: str, machine: Machine) -> Iterator[object]:
    """Everything in the mark; a false value means that something is unusual."""
    yield repr(replace(broker, place=None))
    for folder in (*(place.live for place in layout.SWAPPED), *layout.loose(broker.address.workspace)):
        files, strange = sets.look(broker.directory, folder)
        edited = sets.edited_files(broker.directory, folder)
        yield not strange
        yield "files", sorted((name, sha256(file.data).hexdigest(), file.mode) for name, file in files.items()), edited
    for given in filter(None, (broker.tls.ca_cert, broker.tls.ca_key)):
        with own_files.regular(given) as file:
            yield sha256(file.read()).hexdigest()
    binary = "" if broker.target is Target.DOCKER else program.find(path, machine.processes)
    status = os.stat(binary) if binary else None
    yield program.runner(binary), status and (status.st_mtime_ns, status.st_size, status.st_ino)


def _understood(document: Json) -> HealthyBroker | None:
    match document:
        case {"prints": {"start": str(start), "reload": str(reload)}, "since": str(since), "until": str(until)}:
            return HealthyBroker(Fingerprints(start, reload), parse_zoned(since), parse_zoned(until))
    return None
