"""The brokers of this machine: a healthy broker is recognised, any other is checked closely.

Few projects declare a broker, and the code for brokers is slow to load, so it is loaded at the first use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.model.broker import Broker, Survey
    from reconciler.model.observed import Observed
    from reconciler.model.record import Json
    from reconciler.ports.world import Clock, Processes

    from .known import KnownBrokers
    from .real import RealBrokers


class RememberedBrokers(Struct, dict=True):
    """The brokers; `recall` and `keep` load and store what is known about them between commands.

    `path` is the search path for Mosquitto. With `returning`, users who were removed and come back get their last
    password again.
    """

    processes: Processes
    clock: Clock
    path: str
    recall: Callable[[str], Json]
    keep: Callable[[str, Json], None]
    returning: bool = False

    @cached_property
    def _known(self) -> KnownBrokers:
        from .known import KnownBrokers  # noqa: PLC0415 - see above

        return KnownBrokers(
            processes=self.processes,
            clock=self.clock,
            path=self.path,
            recall=self.recall,
            keep=self.keep,
            returning=self.returning,
        )

    @property
    def real(self) -> RealBrokers:
        """The code that checks and changes brokers."""
        return self._known.real

    def survey(self, broker: Broker) -> Observed[Survey]:
        """Compare a broker with its declaration. A healthy broker that has not changed is only recognised."""
        return self._known.survey(broker)

    def converge(self, address: Address) -> None:
        """Write the files of a surveyed broker, and prove that it works with them."""
        self.real.converge(address)

    def process(self, directory: str) -> Observed[int]:
        """The pid of the running broker that was started with the files in this directory."""
        return self._known.process(directory)

    def stop(self, directory: str) -> None:
        """Stop the broker that was started with the files in this directory, if it runs; the files stay."""
        self._known.stop(directory)

    def remember(self, broker: Broker) -> None:
        """Store a healthy broker, so that the next command recognises it."""
        self._known.remember(broker)
