"""One difference between what is and what shall be."""

from __future__ import annotations

from dataclasses import dataclass

from .record import Json


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `op` is add, remove or replace; sensitive values are never carried."""

    path: str
    op: str
    before: Json = None
    after: Json = None
    sensitive: bool = False
