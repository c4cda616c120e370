"""What is acted on at once, and what has to be seen for a while. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from reconciler.model.drift_class import DriftClass
from reconciler.model.plan import Drift
from reconciler.model.snapshot import Server

ServerProcess: TypeAlias = Server | None
"""A process of the tmux server; None when there is no server."""

GRACE = 5.0


def debounce(
    drifts: Iterable[Drift], before: tuple[ServerProcess, ...], now: ServerProcess
) -> tuple[tuple[Drift, ...], int]:
    """The drifts to act on, and how many have to wait for the next pass.

    `before` holds the server that the last pass saw, and nothing for a first pass. When the server itself has just
    gone or come, its sessions may be about to come back: that they are gone counts when the next pass sees it too.
    """
    found = tuple(drifts)
    if not before or _same(before[0], now):
        return found, 0
    kept = tuple(drift for drift in found if drift.kind is not DriftClass.SESSION_GONE)
    return kept, len(found) - len(kept)


def _same(one: ServerProcess, other: ServerProcess) -> bool:
    return _mark(one) == _mark(other)


def _mark(server: ServerProcess) -> tuple[int, int] | None:
    return (server.pid, server.started) if server else None


def after_grace(
    drifts: Iterable[Drift], since: Mapping[str, float], now: float
) -> tuple[tuple[Drift, ...], dict[str, float]]:
    """The drifts to act on, and since when each row says that a session has ended which lives (seconds).

    Somebody has just written that row: the latest action of a user wins for a while over what is seen.
    """
    found = tuple(drifts)
    seen = {drift.session: since.get(drift.session, now) for drift in found if _is_ended_alive(drift)}
    kept = (drift for drift in found if not _is_ended_alive(drift) or now - seen[drift.session] >= GRACE)
    return tuple(kept), seen


def _is_ended_alive(drift: Drift) -> bool:
    return drift.kind is DriftClass.ALIVE and drift.before is not None
