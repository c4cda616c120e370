"""What shows progress and redrawn lines, on a terminal or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """A display of how far an apply is."""

    def doing(self, text: str) -> None:
        """Something begins."""

    def done(self) -> None:
        """One piece of work is over, one way or the other."""

    def aside(self) -> AbstractContextManager[None]:
        """Out of the way while the block writes lines to the same terminal."""


class Drawing(Protocol):
    """A place for lines that are told again and again."""

    @property
    def always(self) -> bool:
        """True when the same lines may be shown again, since they are drawn over those before."""

    def lines(self, lines: Iterable[str]) -> None:
        """Show these lines now."""
