"""Remember which certificates and passwords were made by hand: they stay until the user asks for new ones.

A file in the broker's set lists them, so the list is replaced together with the set.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

_HEAD = "# Made by hand before reconciler took this broker over. Each is replaced only when you ask for it.\n"


class KeptMaterial(Struct, frozen=True):
    """The fingerprints of a CA and a server certificate made by hand, and the users whose password was set by hand."""

    authority: str = ""
    server: str = ""
    passwords: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return bool(self.authority or self.server or self.passwords)


def text(kept: KeptMaterial) -> str:
    """The content of the file, one line for each kept item."""
    return _HEAD + "".join(f"{line}\n" for line in _lines(kept))


def parse(said: str) -> KeptMaterial:
    """Parse the file; unknown lines count as comments."""
    words = [tuple(line.split()) for line in said.splitlines()]
    pairs = [(pair[0], pair[1]) for pair in words if len(pair) == 2]
    return KeptMaterial(
        authority=next((value for kind, value in pairs if kind == "ca"), ""),
        server=next((value for kind, value in pairs if kind == "server"), ""),
        passwords=frozenset(value for kind, value in pairs if kind == "password"),
    )


def _lines(kept: KeptMaterial) -> Iterator[str]:
    yield from (f"ca {kept.authority}",) if kept.authority else ()
    yield from (f"server {kept.server}",) if kept.server else ()
    yield from (f"password {name}" for name in sorted(kept.passwords))
