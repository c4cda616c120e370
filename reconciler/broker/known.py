"""Keep what is known about brokers between looks: healthy ones are recognised, and others keep their last survey."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reconciler.broker.running.process import Machine, Running, pid_of, running, stop
from reconciler.broker.running.recognise import mark, recognised
from reconciler.model.address import Address
from reconciler.model.broker import Broker, Survey
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present
from reconciler.model.record import Json
from reconciler.ports.world import Clock, Processes

if TYPE_CHECKING:
    from .real import RealBrokers


class SurveyBasis(NamedTuple):
    """The basis of a survey: while it is the same, the survey is valid. Certificates expire, hence the hour."""

    mark: str
    running: Observed[Running]
    hour: datetime


@dataclass
class KnownBrokers:
    """The brokers of this machine, as `RememberedBrokers` promises them.

    `path` is the search path for Mosquitto; `recall` and `keep` load and store what is known between commands. With
    `returning`, users who were removed and come back get their last password again.
    """

    processes: Processes
    clock: Clock
    path: str
    recall: Callable[[str], Json]
    keep: Callable[[str, Json], None]
    returning: bool = False
    _recognised: set[Address] = field(default_factory=set)
    _surveys: dict[Address, tuple[SurveyBasis, Observed[Survey]]] = field(default_factory=dict)

    @cached_property
    def real(self) -> RealBrokers:
        """The code that checks and changes brokers."""
        from .real import RealBrokers  # noqa: PLC0415 - slow to load (0.25 s), and a healthy broker does not need it

        return RealBrokers(self.machine, self.path, self.returning)

    @cached_property
    def machine(self) -> Machine:
        """The ports to processes and time."""
        return Machine(self.processes, self.clock)

    def survey(self, broker: Broker) -> Observed[Survey]:
        """Compare a broker with its declaration. A healthy broker that has not changed is only recognised."""
        now = mark(broker, self.path, self.machine)
        known = recognised(self.recall(now), broker, self.machine)
        if known is None:
            return self._examined(broker, now)
        self._recognised.add(broker.address)
        return Present(known)

    def _examined(self, broker: Broker, now: str) -> Observed[Survey]:
        if not now or self.returning:  # unusual files have no mark, and returning users are not part of it
            return self.real.survey(broker)
        hour = self.clock.now().replace(minute=0, second=0, microsecond=0)
        basis = SurveyBasis(now, running(broker.directory, self.processes), hour)
        before = self._surveys.get(broker.address)
        if before and before[0] == basis:
            return before[1]
        survey = self.real.survey(broker)
        self._surveys[broker.address] = basis, survey
        return survey

    def process(self, directory: str) -> Observed[int]:
        """The pid of the running broker that was started with the files in this directory."""
        return pid_of(directory, self.processes)

    def stop(self, directory: str) -> None:
        """Stop the broker that was started with the files in this directory, if it runs; the files stay."""
        stop(directory, self.machine)

    def remember(self, broker: Broker) -> None:
        """Store a healthy broker, so that the next command recognises it."""
        if broker.address in self._recognised:
            return
        before = mark(broker, self.path, self.machine)
        with suppress(ReconcilerError):
            memory = self.real.memory(broker)
            # the same mark before and after: so the files were not changed during the check
            if memory and before and mark(broker, self.path, self.machine) == before:
                self.keep(before, memory.document())
