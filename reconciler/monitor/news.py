"""Find the changes: what a pass found, compared with what was reported before. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.plan import Drift
from reconciler.model.watch import Notice

DriftKey: TypeAlias = tuple[str, str, str]
"""Class, session and address: what makes two reports of a drift the same drift."""

_KEPT = 500  # drifts that are over, but whose count is kept


class ReportedDrift(Struct, frozen=True):
    """How a drift was last reported, how often, and whether the last pass saw it."""

    digest: str
    count: int
    there: bool = True


ToldDrifts: TypeAlias = Mapping[DriftKey, ReportedDrift]


def key_of(drift: Drift) -> DriftKey:
    """What identifies this drift, whatever its message is."""
    return (drift.kind, drift.session, str(drift.address or ""))


def mark(notice: Notice) -> tuple[DriftKey, str, int]:
    """What identifies a notice, both on disk and in memory, where it also has its edits."""
    return key_of(notice.drift), _digest(notice.drift), notice.count


def news(drifts: Iterable[Drift], told: ToldDrifts) -> tuple[Notice, ...]:
    """The drifts to report: new ones, changed ones, and those that came back."""
    return tuple(Notice(drift, _count(drift, told)) for drift in drifts if _is_new(drift, told))


def update_reported(drifts: Iterable[Drift], told: ToldDrifts, *, sure: bool) -> ToldDrifts:
    """The state after these drifts were reported; if the look was `sure`, all other drifts are over."""
    found = {key_of(drift): drift for drift in drifts}
    over = {key: replace(each, there=each.there and not sure) for key, each in told.items() if key not in found}
    while len(over) > _KEPT:
        del over[next(iter(over))]
    return over | {key: _after(drift, told) for key, drift in found.items()}


def _is_new(drift: Drift, told: ToldDrifts) -> bool:
    before = told.get(key_of(drift))
    return before is None or not before.there or before.digest != _digest(drift)


def _count(drift: Drift, told: ToldDrifts) -> int:
    before = told.get(key_of(drift))
    return before.count + 1 if before else 1


def _after(drift: Drift, told: ToldDrifts) -> ReportedDrift:
    return ReportedDrift(_digest(drift), _count(drift, told)) if _is_new(drift, told) else told[key_of(drift)]


def _digest(drift: Drift) -> str:
    said = json.dumps([drift.message, drift.before, drift.after], sort_keys=True, default=str)
    return sha256(said.encode()).hexdigest()[:16]
