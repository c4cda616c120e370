"""Edits of manifests: the text now, and the text that a command will write."""

from __future__ import annotations

from msgspec import Struct

from .address import Address
from .diagnostic import Place


class Edit(Struct, frozen=True):
    """A manifest before and after a block is added or removed.

    `new` is the text of an added block. `place` is where the block is, or will be.
    """

    path: str
    before: bytes
    after: bytes
    address: Address
    place: Place
    new: str = ""


class Restore(Struct, frozen=True):
    """A manifest that is set back to an earlier generation.

    `after` is None when the manifest did not exist then. A new file gets the permission bits `mode`. If `kept` is set,
    the present content is copied there first, because it would be lost.
    """

    path: str
    before: bytes
    after: bytes | None
    generation: int
    mode: int = 0o644
    kept: str = ""
