"""Values that hold a secret."""

from __future__ import annotations

from msgspec import Struct


class Discreet(Struct, frozen=True):
    """A value whose repr shows nothing of it, so that no report, log or traceback can."""

    def __repr__(self) -> str:
        """The name of its class alone."""
        return f"{type(self).__name__}(...)"
