"""Whether the sessions that a plan ends are still the ones that it was made for.

Between plan and apply, a new tmux server may have given their ids to other sessions, or a pane may have been moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.snapshot import Pane, TmuxState, TmuxTarget, UnreadablePane

_OTHER = "the session has changed since the plan was made"


class TargetState(Struct, frozen=True):
    """The present state of a target."""

    problem: str = ""
    """Why it must not be ended; empty when it may be."""
    confirmed: bool = False
    """True when the planned process still runs in it."""


class _Now(Struct, frozen=True):
    panes: Mapping[str, tuple[Pane, ...]] = field(default_factory=dict)  # tmux lists a linked pane once per session
    sessions: Mapping[str, Pane] = field(default_factory=dict)
    unread: tuple[UnreadablePane, ...] = ()


def target_states(targets: Iterable[TmuxTarget], lineage: str, tmux: Observed[TmuxState]) -> list[TargetState]:
    """The present state of each target, in order. Only targets with our lineage, and guests, may be ended."""
    if isinstance(tmux, Unknown):
        return [TargetState(f"tmux could not be asked: {tmux.reason}") for _ in targets]
    now = _indexed(tmux.value) if isinstance(tmux, Present) else _Now()
    return [_state(target, lineage, now) for target in targets]


def _indexed(state: TmuxState) -> _Now:
    panes: dict[str, tuple[Pane, ...]] = {}
    sessions: dict[str, Pane] = {}
    for pane in state.panes:
        panes[pane.pane_id] = (*panes.get(pane.pane_id, ()), pane)
        sessions.setdefault(pane.session_id, pane)
    return _Now(panes, sessions, state.unread)


def _state(target: TmuxTarget, lineage: str, now: _Now) -> TargetState:
    if target.lineage != lineage and not target.guest:
        return TargetState(_OTHER)
    here = next((pane for pane in now.panes.get(target.pane_id, ()) if pane.session_id == target.session_id), None)
    if here is None:
        return TargetState(_missing(target, now))
    if _has_other_tags(target, here) or not (here.dead or here.pid == target.pid):
        return TargetState(_OTHER)
    return TargetState(confirmed=not here.dead)


def _missing(target: TmuxTarget, now: _Now) -> str:
    """Return why a target whose pane is not in its place must not be ended; empty when nothing is left to end."""
    unread = next((each.reason for each in now.unread if each.session_id in {"", target.session_id}), "")
    if unread:
        return f"tmux's answer about it cannot be read: {unread}"
    moved = next((p for p in now.panes.get(target.pane_id, ()) if p.pid == target.pid and not p.dead), None)
    if moved:
        return f"its pane is in session {moved.session} now: plan again"
    session = now.sessions.get(target.session_id)
    if session is None or target.guest:
        return ""
    return _OTHER if target.pane_id or _has_other_tags(target, session) else ""


def _has_other_tags(target: TmuxTarget, pane: Pane) -> bool:
    return not target.guest and (pane.lineage, pane.address) != (target.lineage, target.address)
