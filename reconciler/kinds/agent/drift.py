"""Where the registry and the live world differ, and what should be written down about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from reconciler.model.desired import Desired
from reconciler.model.observed import Absent, Observed, Present
from reconciler.model.plan import Drift, Unmanaged
from reconciler.model.record import Json, Record, RowEdit, Section, SessionRow, Status
from reconciler.model.snapshot import Pane, TmuxState

from .case import Case
from .rows import live_fields

_SHAPE = re.compile(r"(?P<workspace>[A-Za-z0-9][A-Za-z0-9_-]*)-(?P<role>[A-Za-z0-9_]+)-(?P<agent>[A-Za-z0-9_]+)")


def drifts(cases: Iterable[Case], tmux: Observed[TmuxState], now: str) -> tuple[Drift, ...]:
    """Every recorded agent whose row says something else than tmux does."""
    found = (_drift(case, case.row, tmux, now) for case in cases if case.row)
    return tuple(drift for drift in found if drift)


def _drift(case: Case, row: SessionRow, tmux: Observed[TmuxState], now: str) -> Drift | None:
    if isinstance(case.pane, Absent):
        return _gone(row, now) if row.status is Status.RUNNING and not _runs_untagged(row, case.squatter) else None
    if not isinstance(case.pane, Present) or not isinstance(tmux, Present):
        return None
    live = case.pane.value
    if live.dead:
        return _exited(row, live, now) if row.status is Status.RUNNING else None
    if row.status is not Status.RUNNING:
        return _alive(row, live, tmux.value, now)
    if row.pane is not None and row.pane.pid != live.pid:
        return _other_process(row, live, tmux.value, now)
    return None


def _runs_untagged(row: SessionRow, squatter: Pane | None) -> bool:
    """True when the recorded process lives on in a session that is not ours, as an older tool leaves it."""
    return squatter is not None and not squatter.dead and row.pane is not None and row.pane.pid == squatter.pid


def _gone(row: SessionRow, now: str) -> Drift:
    """Class A, in the words that other tools already look for."""
    was = f" (was pane {row.pane.pid}, cmd {row.pane.cmd})" if row.pane else ""
    message = f"{row.session}: tmux gone{was}. Marked terminated."
    fields: dict[str, Json] = {"termination_mode": "auto-detected", **_terminated(now, "tmux gone")}
    return _make("A", row, message, (row.status.value, Status.TERMINATED.value), fields)


def _exited(row: SessionRow, live: Pane, now: str) -> Drift:
    how = f"signal {live.dead_signal}" if live.dead_signal else f"status {live.dead_status}"
    message = f"{row.session}: the agent has exited ({how}), its pane is still there."
    fields: dict[str, Json] = {"termination_mode": "auto-detected", **_terminated(now, f"exited, {how}")}
    return _make("E", row, message, (row.status.value, Status.TERMINATED.value), fields)


def _alive(row: SessionRow, live: Pane, tmux: TmuxState, now: str) -> Drift:
    message = f"{row.session}: recorded as {row.status.value}, but it runs (pid {live.pid})."
    fields: dict[str, Json] = {
        "status": "running",
        "last_visible_status": "running",
        "last_visible_note": "found running",
        "terminated_at": None,
        "termination_mode": None,
        **_located(live, tmux, now),
    }
    return _make("B", row, message, (row.status.value, Status.RUNNING.value), fields)


def _other_process(row: SessionRow, live: Pane, tmux: TmuxState, now: str) -> Drift:
    before = row.pane.pid if row.pane else None
    message = f"{row.session}: another process than recorded (pid {live.pid}, recorded {before})."
    return _make("F", row, message, (before, live.pid), _located(live, tmux, now))


def _terminated(now: str, note: str) -> dict[str, Json]:
    return {
        "status": "terminated",
        "last_visible_status": "terminated",
        "last_visible_note": note,
        "terminated_at": now,
        "updated_at": now,
    }


def _located(live: Pane, tmux: TmuxState, now: str) -> dict[str, Json]:
    return {"updated_at": now, **live_fields(live, tmux.server)}


def _make(letter: str, row: SessionRow, message: str, change: tuple[Json, Json], fields: Mapping[str, Json]) -> Drift:
    edit = RowEdit(Section.SESSIONS, row.session, fields)
    return Drift(letter, row.session, row.address, message, *change, (edit,))


def unmanaged(desired: Desired, record: Record, tmux: Observed[TmuxState]) -> tuple[Unmanaged, ...]:
    """Live sessions named `<workspace>-<role>-<agent>` that no manifest declares and no row manages.

    What carries another project's lineage is that project's business.
    """
    if not isinstance(tmux, Present):
        return ()
    managed = [row for row in record.sessions.values() if row.managed]
    recorded = {row.session for row in managed if row.status is not Status.ARCHIVED}
    names = {agent.session for agent in desired.agents.values()} | recorded
    addresses = {str(address) for address in desired.agents} | {str(row.address) for row in managed}
    strangers = (pane for pane in tmux.value.panes if pane.session not in names)
    ours = (pane for pane in strangers if not pane.lineage or pane.lineage == record.lineage)
    return tuple(_unmanaged(pane for pane in ours if not (pane.lineage and pane.address in addresses)))


def _unmanaged(panes: Iterable[Pane]) -> Iterator[Unmanaged]:
    seen: set[str] = set()
    for pane in panes:
        shape = None if pane.session in seen else _SHAPE.fullmatch(pane.session)
        seen.add(pane.session)
        if shape:
            yield Unmanaged(pane.session, pane.command, pane.cwd, pane.pid, **shape.groupdict())
