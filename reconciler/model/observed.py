"""The three results of a look: it is there, it is not there, or it is unknown.

Nothing is ever created, stopped or deleted because of an `Unknown`.
"""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Present(Struct, Generic[T], frozen=True):
    """It exists; `value` is what was found."""

    value: T


class Absent(Struct, frozen=True):
    """It certainly does not exist."""


class Unknown(Struct, frozen=True):
    """It could not be looked at. `reason` tells the user why, `fix` what to type."""

    reason: str
    fix: str = ""


Observed: TypeAlias = Present[T] | Absent | Unknown
ABSENT = Absent()
