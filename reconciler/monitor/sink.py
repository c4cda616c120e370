"""The interface of the places that the monitor reports to."""

from __future__ import annotations

from typing import Protocol

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass


class SinkFailed(ReconcilerError):
    """A report did not arrive; the next attempt may succeed."""


class Sink(Protocol):
    """A receiver of every pass, also of passes without changes."""

    @property
    def name(self) -> str:
        """Its name in warnings, without secrets."""

    def tell(self, seen: Pass) -> str:
        """Report a pass. Returns why the monitor should stop; usually empty.

        Raises:
            SinkFailed: The report did not arrive.
        """

    def close(self) -> None:
        """Called when the monitor ends normally."""
