"""Brokers in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from reconciler.model.address import Address
from reconciler.model.broker import Broker, Effect, Survey
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown


@dataclass
class FakeBrokers:
    """`surveys` is what is found, nothing at first; `broken` are addresses whose new files do not work.

    `processes` are the pids by folder, `folders` those that were surveyed.
    """

    surveys: dict[str, Survey] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    processes: dict[str, Observed[int]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    def survey(self, broker: Broker) -> Observed[Survey]:
        name = str(broker.address)
        self.folders[name] = broker.directory
        if name in self.unknown:
            return Unknown(self.unknown[name])
        return Present(self.surveys.get(name, Survey(made=False, runs=False)))

    def converge(self, address: Address) -> None:
        name = str(address)
        if name in self.broken:
            raise ReconcilerError("the new files did not work; the last good ones are back")
        self.done.append(f"converged {name}")
        self.surveys[name] = Survey(made=True, runs=True)
        self.processes[self.folders[name]] = Present(1)

    def process(self, directory: str) -> Observed[int]:
        return self.processes.get(directory, ABSENT)

    def stop(self, directory: str) -> None:
        self.done.append(f"stopped the one in {directory}")
        self.processes.pop(directory, None)
        for name in [name for name, folder in self.folders.items() if folder == directory]:
            self.surveys[name] = replace(self.surveys[name], runs=False, effect=Effect.NOTHING)
