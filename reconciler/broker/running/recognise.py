"""A broker that was in order is known again, without the libraries that it takes to judge one.

They take a quarter of a second to load, and a plan without changes has nothing else to use them for.
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
from reconciler.model.moment import zoned
from reconciler.model.observed import Absent, Observed, Present
from reconciler.model.record import Json
from reconciler.ports import own_files

from . import process, program
from .process import Machine, Running


class HealthyBroker(Struct, frozen=True):
    """A broker in order: what one that runs must have read, and from when on until when no certificate is due."""

    prints: Fingerprints
    since: datetime
    until: datetime

    def document(self) -> Json:
        """The memory as a cache keeps it."""
        prints = {"start": self.prints.start, "reload": self.prints.reload}
        return {"prints": prints, "since": self.since.isoformat(), "until": self.until.isoformat()}


def mark(broker: Broker, path: str, machine: Machine) -> str:
    """A digest of all that a survey rests on, but for the time and the process; empty when something is strange.

    That is the settings, each file with its mode, a given CA, who we are, and Mosquitto's program.
    """
    try:
        facts = list(_facts(broker, path, machine))
    except (ReconcilerError, OSError):
        return ""
    return sha256(repr(facts).encode()).hexdigest() if all(facts) else ""


def recognised(document: Json, broker: Broker, machine: Machine) -> Survey | None:
    """The survey of a broker whose mark has this memory; None when it must be looked at closely."""
    memory = _understood(document)
    if memory is None or not memory.since <= machine.clock.now() < memory.until:
        return None
    running = process.running(broker.directory, machine.processes)
    if not _as_remembered(broker, running, memory):
        return None
    runs = True if broker.target is Target.PROCESS else None
    return Survey(made=True, runs=runs, basis=basis(memory.prints, running))


def basis(read: Fingerprints, running: Observed[Running]) -> str:
    """The live facts that a survey rests on: the files, and the process."""
    return f"{read.start} {read.reload} {running.value.pid if isinstance(running, Present) else 0}"


def _as_remembered(broker: Broker, running: Observed[Running], memory: HealthyBroker) -> bool:
    """Whether a broker that should run does, and has read the files."""
    if isinstance(running, Present):
        return running.value.read == memory.prints
    return isinstance(running, Absent) and broker.target is not Target.PROCESS


def _facts(broker: Broker, path: str, machine: Machine) -> Iterator[object]:
    """Everything that the mark is made of; an empty one stands for something strange."""
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
            return HealthyBroker(Fingerprints(start, reload), zoned(since), zoned(until))
    return None
