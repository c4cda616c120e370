"""The three answers the world can give: it is there, it is not there, we could not tell.

Nothing is ever created, stopped or deleted because of `Unknown`.
"""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Present(Struct, Generic[T], frozen=True):
    """It was looked at, and this is what was seen."""

    value: T


class Absent(Struct, frozen=True):
    """It was looked for, and it is certainly not there."""


class Unknown(Struct, frozen=True):
    """It could not be looked at; `reason` says why, in words for the user, and `fix` what to do about it."""

    reason: str
    fix: str = ""


Observed: TypeAlias = Present[T] | Absent | Unknown
ABSENT = Absent()
