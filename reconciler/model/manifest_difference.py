"""How two sets of manifests differ in what they declare."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from .deep import DeepChange
from .redacted import Redacted


class AddressDifference(Struct, frozen=True):
    """What differs in one block. `file_before` and `file_after` declare it; empty if no file does."""

    address: str
    file_before: str
    file_after: str
    changes: tuple[DeepChange, ...] = ()


class ManifestsDifference(Redacted, frozen=True):
    """The blocks that differ, sorted by address.

    Files in `same_meaning` differ only in their layout. `unreadable` has, by file, the reason why it could not be
    compared. `secrets` are texts that must not appear in any output.
    """

    blocks: tuple[AddressDifference, ...] = ()
    same_meaning: frozenset[str] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
