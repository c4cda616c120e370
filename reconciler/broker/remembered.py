"""The brokers of this machine: recognised where they were in order, judged closely where they were not.

Few projects declare a broker, and what knows brokers is slow to load: that waits until the first one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.model.broker import Broker, Survey
    from reconciler.model.observed import Observed
    from reconciler.model.record import Json
    from reconciler.ports.world import Clock, Processes

    from .known import KnownBrokers
    from .real import RealBrokers


@dataclass
class RememberedBrokers:
    """The brokers; what is known of them is carried from one command to the next by `recall` and `keep`.

    `path` is the search path on which Mosquitto is looked for. With `returning`, users that come back get the password
    that they had before the last change.
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
        """What judges and changes them."""
        return self._known.real

    def survey(self, broker: Broker) -> Observed[Survey]:
        """How a broker is, held against what is declared of it; one is judged again only when it has to be."""
        return self._known.survey(broker)

    def converge(self, address: Address) -> None:
        """Give a surveyed broker its files, and see that it works with them."""
        self.real.converge(address)

    def process(self, directory: str) -> Observed[int]:
        """The pid of the broker that was started on the files in this directory, if it runs."""
        return self._known.process(directory)

    def stop(self, directory: str) -> None:
        """End the broker that was started on the files in this directory, if it runs; the files stay."""
        self._known.stop(directory)

    def remember(self, broker: Broker) -> None:
        """Let the next command recognise a broker that is in order."""
        self._known.remember(broker)
