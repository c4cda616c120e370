"""Which sessions are believed to be gone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from reconciler.model.plan import Drift
from reconciler.model.snapshot import Server

Life: TypeAlias = Server | None
"""One life of the tmux server; None when there is no server."""

GONE = "A"


def believed(drifts: Iterable[Drift], before: tuple[Life, ...], now: Life) -> tuple[tuple[Drift, ...], int]:
    """The drifts to act on, and how many have to wait for the next pass.

    `before` holds the life that the last pass saw, and nothing for a first pass. When the server itself has just
    gone or come, its sessions may be about to come back: that they are gone counts when the next pass sees it too.
    """
    found = tuple(drifts)
    if not before or _same(before[0], now):
        return found, 0
    kept = tuple(drift for drift in found if drift.letter != GONE)
    return kept, len(found) - len(kept)


def _same(one: Life, other: Life) -> bool:
    return _mark(one) == _mark(other)


def _mark(life: Life) -> tuple[int, int] | None:
    return (life.pid, life.started) if life else None
