"""The three answers the world can give: it is there, it is not there, we could not tell.

Nothing is ever created, stopped or deleted because of `Unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Present(Generic[T]):
    """It was looked at, and this is what was seen."""

    value: T


@dataclass(frozen=True, slots=True)
class Absent:
    """It was looked for, and it is certainly not there."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be looked at; `reason` says why, in words for the user, and `fix` what to do about it."""

    reason: str
    fix: str = ""


Observed: TypeAlias = Present[T] | Absent | Unknown
ABSENT = Absent()
