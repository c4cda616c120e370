"""Brokers in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reconciler.model.address import Address
from reconciler.model.broker import Broker, Effect, Survey
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown


@dataclass
class FakeBrokers:
    """`surveys` is what is found, nothing at first; `broken` are addresses whose new files do not work."""

    surveys: dict[str, Survey] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    def survey(self, broker: Broker) -> Observed[Survey]:
        name = str(broker.address)
        if name in self.unknown:
            return Unknown(self.unknown[name])
        return Present(self.surveys.get(name, Survey(made=False, runs=False)))

    def converge(self, address: Address) -> None:
        name = str(address)
        if name in self.broken:
            raise ReconcilerError("the new files did not work; the last good ones are back")
        self.done.append(f"converged {name}")
        self.surveys[name] = Survey(made=True, runs=True)

    def stop(self, address: Address) -> None:
        name = str(address)
        self.done.append(f"stopped {name}")
        self.surveys[name] = replace(self.surveys[name], runs=False, effect=Effect.NOTHING)
