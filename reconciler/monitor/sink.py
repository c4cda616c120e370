"""Where the monitor tells what it saw."""

from __future__ import annotations

from typing import Protocol

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass


class SinkFailed(ReconcilerError):
    """What was to be told did not arrive; it may at the next attempt."""


class Sink(Protocol):
    """Somebody who is told of every pass, also of one without news."""

    @property
    def name(self) -> str:
        """How warnings call it; it holds no secret."""

    def tell(self, seen: Pass) -> str:
        """Pass it on; the answer is the reason why the monitor shall stop, mostly empty.

        Raises:
            SinkFailed: It could not be passed on.
        """

    def close(self) -> None:
        """The monitor ends in order."""
