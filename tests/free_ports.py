"""Free ports of this machine, which nothing else takes between the choice and the use.

The system would choose one that the next connection may have as its own end, or that it gives to another test as well.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from random import SystemRandom

_FIRST, _BLOCK, _BLOCKS = 10_000, 100, 200  # below the ports that systems give to connections
_kept: list[socket.socket] = []  # what reserves our blocks as long as this process lives


def _own_ports() -> Iterator[int]:
    blocks = list(range(_BLOCKS))
    SystemRandom().shuffle(blocks)
    for block in filter(_is_reserved, blocks):
        yield from range(_FIRST + block * _BLOCK, _FIRST + (block + 1) * _BLOCK)


def _is_reserved(block: int) -> bool:
    """Take a block of ports for this process; False when another test process has it."""
    taken = socket.socket(socket.AF_UNIX)
    try:
        taken.bind(f"\0reconciler-tests-ports-{block}")
    except OSError:
        taken.close()
        return False
    _kept.append(taken)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports = filter(_is_free, _own_ports())


def free_port() -> int:
    """A port that nothing listens on, and that no other test gets."""
    return next(_ports)
