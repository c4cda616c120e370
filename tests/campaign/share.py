"""How much is tried: a fixed share in every test run, all of it with RECONCILER_CAMPAIGN=1 (`make campaign`).

A larger number is that many times as coarse: RECONCILER_CAMPAIGN=10 tries a tenth of the faults and the damages, and
with RECONCILER_SHARE=2 the second tenth of the faults.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from .hook import POSSIBLE, Fault
from .job_operations import JOB_OPERATIONS
from .operations import OPERATIONS, Operation

COARSE = int(os.environ.get("RECONCILER_CAMPAIGN") or 0)
SHARE = int(os.environ.get("RECONCILER_SHARE") or 1)
ALL = COARSE > 0
MUTATIONS = 3000 // COARSE if ALL else 150  # a parser
COMMANDS = 400 // COARSE if ALL else 40
CASES = 1  # of each operation, in every test run
_STRIDE = 5  # has no divisor in common with the number of kinds


Counts: TypeAlias = Mapping[tuple[str, str], int]


class Kind(NamedTuple):
    """A fault of a class of events; of those, the campaign tries each `every`-th."""

    kind: str
    what: str
    every: int
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.what}{'+' if self.lasting else ''}"

    def count(self, counted: Counts) -> int:
        """How many of the counted events could fail so."""
        return sum(
            number for (kind, name), number in counted.items() if kind == self.kind and name in POSSIBLE[self.what]
        )

    def at(self, number: int) -> Fault:
        return Fault(self.kind, number, self.what, self.lasting)


FAULTS: Mapping[str, Kind] = MappingProxyType(
    {
        str(each): each
        for each in (
            Kind("write", "SIGKILL", 2),
            Kind("write", "ENOSPC", 2),
            Kind("write", "ENOSPC", 8, lasting=True),
            Kind("write", "EIO", 4),
            Kind("write", "EMFILE", 8),
            Kind("write", "SIGTERM", 16),
            Kind("read", "EIO", 16),
            Kind("read", "EMFILE", 16),
            Kind("read", "EMFILE", 32, lasting=True),
            Kind("read", "SIGKILL", 16),
            Kind("process", "EAGAIN", 1),
            Kind("process", "SIGKILL", 1),
            Kind("tmux", "SIGKILL", 2),
            Kind("tmux", "SIGTERM", 8),
            Kind("tmux", "EIO", 4),
            Kind("tmux", "EMFILE", 8),
        )
    }
)
MQTT_FAULTS: Mapping[str, Kind] = MappingProxyType(
    {
        str(each): each
        for each in (
            Kind("mqtt", "LOST", 1),
            Kind("mqtt", "DOWN", 2),
            Kind("mqtt", "RESTART", 2),
            Kind("mqtt", "SILENT", 4),
        )
    }
)


EVERYTHING: Mapping[str, Operation] = MappingProxyType({**OPERATIONS, **JOB_OPERATIONS})


EACH_RUN: Mapping[str, str] = MappingProxyType(
    {
        "job submit": "tmux 60 SIGKILL",
        "job wait, at work": "mqtt 6 LOST",
        "job publish, the end": "write 10 SIGKILL",
        "broker verify": "process 12 SIGKILL",
    }
)
"""The one fault of each of these that every test run tries; counting all of them would take as long once more."""


def kinds_of(operation: str) -> Mapping[str, Kind]:
    """What can befall an operation."""
    return {**FAULTS, **MQTT_FAULTS} if operation in JOB_OPERATIONS else FAULTS


def numbers(kind: Kind, counted: Counts) -> Iterator[Fault]:
    """The faults that the campaign tries, of an operation with so many events; no fault is in two of its shares."""
    every = kind.every * COARSE
    first = Random(f"{kind} {sorted(counted.items())}").randrange(every)  # noqa: S311 - always the same choice
    start = (first + (SHARE - 1) * kind.every) % every
    for number in range(1 + start, kind.count(counted) + 1, every):
        yield kind.at(number)


def sample(operation: str, counted: Counts) -> list[Fault]:
    """The few faults of an operation that every test run tries; always the same ones, and all kinds have their turn.

    They are among the first two thirds of its events: on a busy machine it may have a few less.
    """
    dice = Random(operation)  # noqa: S311 - a choice, and always the same
    kinds = list(FAULTS.values())
    first = list(OPERATIONS).index(operation) * CASES
    turns = (kinds[(first + step) * _STRIDE % len(kinds)] for step in range(len(kinds)))
    chosen = [each for each in turns if each.count(counted)][:CASES]
    return [each.at(1 + dice.randrange(max(1, each.count(counted) * 2 // 3))) for each in chosen]
