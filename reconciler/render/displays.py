"""The protocols for showing progress and redrawn lines, on a terminal or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Shows how far an apply has come."""

    def doing(self, text: str) -> None:
        """A piece of work begins; `text` describes it."""

    def done(self) -> None:
        """A piece of work has ended, successfully or not."""

    def aside(self) -> AbstractContextManager[None]:
        """Hide the display while the block writes lines to the same terminal."""


class Drawing(Protocol):
    """Shows lines that are updated again and again."""

    @property
    def always(self) -> bool:
        """True when unchanged lines may be shown again, because they replace the previous ones."""

    def lines(self, lines: Iterable[str]) -> None:
        """Show these lines now."""
