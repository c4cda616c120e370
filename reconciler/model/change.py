"""One difference between the present state and the declared one."""

from __future__ import annotations

from msgspec import Struct

from .record import Json


class Change(Struct, frozen=True):
    """One difference. `op` is add, remove or replace. A sensitive value is never included."""

    path: str
    op: str
    before: Json = None
    after: Json = None
    sensitive: bool = False
