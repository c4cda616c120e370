"""The base class of values that hold a secret."""

from __future__ import annotations

from msgspec import Struct


class Redacted(Struct, frozen=True):
    """A value whose repr shows no field, so that no report, log or traceback can show a secret."""

    def __repr__(self) -> str:
        """Only the name of the class."""
        return f"{type(self).__name__}(...)"
