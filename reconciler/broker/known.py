"""What is known of brokers from one look to the next: those that were recognised, and the last survey of the others."""

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
    """What a survey rests on: while it is the same, so is the survey. Certificates age in days, hence the hour."""

    mark: str
    running: Observed[Running]
    hour: datetime


@dataclass
class KnownBrokers:
    """The brokers of this machine, as `RememberedBrokers` promises them.

    `path` is the search path on which Mosquitto is looked for; `recall` and `keep` carry what is known from one
    command to the next. With `returning`, users that come back get the password that they had before the last change.
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
        """What judges and changes them."""
        from .real import RealBrokers  # noqa: PLC0415 - it takes a quarter of a second to load, and one in order does without

        return RealBrokers(self.machine, self.path, self.returning)

    @cached_property
    def machine(self) -> Machine:
        """The doors to processes and time."""
        return Machine(self.processes, self.clock)

    def survey(self, broker: Broker) -> Observed[Survey]:
        """How a broker is, held against what is declared of it; one is judged again only when it has to be."""
        now = mark(broker, self.path, self.machine)
        known = recognised(self.recall(now), broker, self.machine)
        if known is None:
            return self._judged(broker, now)
        self._recognised.add(broker.address)
        return Present(known)

    def _judged(self, broker: Broker, now: str) -> Observed[Survey]:
        if not now or self.returning:  # what is strange has no mark, and what comes back is not in it
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
        """The pid of the broker that was started on the files in this directory, if it runs."""
        return pid_of(directory, self.processes)

    def stop(self, directory: str) -> None:
        """End the broker that was started on the files in this directory, if it runs; the files stay."""
        stop(directory, self.machine)

    def remember(self, broker: Broker) -> None:
        """Let the next command recognise a broker that is in order."""
        if broker.address in self._recognised:
            return
        before = mark(broker, self.path, self.machine)
        with suppress(ReconcilerError):
            memory = self.real.memory(broker)
            # the same before and after: what was judged in between is what is remembered
            if memory and before and mark(broker, self.path, self.machine) == before:
                self.keep(before, memory.document())
