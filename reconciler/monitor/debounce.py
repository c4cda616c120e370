"""Decide which drifts count at once, and which must be seen again first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from reconciler.model.drift_class import DriftClass
from reconciler.model.plan import Drift
from reconciler.model.snapshot import Server

ServerProcess: TypeAlias = Server | None
"""A process of the tmux server; None if there is no server."""

GRACE = 5.0


def debounce(
    drifts: Iterable[Drift], before: tuple[ServerProcess, ...], now: ServerProcess
) -> tuple[tuple[Drift, ...], int]:
    """The drifts to act on, and how many must wait for the next pass.

    `before` has the server that the last pass saw; it is empty for the first pass. If the server itself has just
    ended or started, its sessions may be about to come back: missing sessions count only if the next pass agrees.
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
    """The drifts to act on, and since when (seconds) each row has said that a live session has ended.

    A command has just written that row: for a while, the user's latest action counts more than what is seen.
    """
    found = tuple(drifts)
    seen = {drift.session: since.get(drift.session, now) for drift in found if _is_ended_alive(drift)}
    kept = (drift for drift in found if not _is_ended_alive(drift) or now - seen[drift.session] >= GRACE)
    return tuple(kept), seen


def _is_ended_alive(drift: Drift) -> bool:
    return drift.kind is DriftClass.ALIVE and drift.before is not None
