"""Manifests as they are, and as a command will make them."""

from __future__ import annotations

from msgspec import Struct

from .address import Address
from .diagnostic import Place


class Edit(Struct, frozen=True):
    """A manifest as it is and as it shall be: a block comes in (`new`), or one goes.

    `place` is where it stands, or will stand.
    """

    path: str
    before: bytes
    after: bytes
    address: Address
    place: Place
    new: str = ""


class Restore(Struct, frozen=True):
    """A whole manifest as it is, and as it was in an earlier generation: None when it did not exist.

    `mode` is what a file gets that is made for it. A copy of what would be lost goes to `kept`, when that is named.
    """

    path: str
    before: bytes
    after: bytes | None
    generation: int
    mode: int = 0o644
    kept: str = ""
