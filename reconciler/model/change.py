"""One difference between what is and what shall be."""

from __future__ import annotations

from msgspec import Struct

from .record import Json


class Change(Struct, frozen=True):
    """One difference: `op` is add, remove or replace; sensitive values are never carried."""

    path: str
    op: str
    before: Json = None
    after: Json = None
    sensitive: bool = False
