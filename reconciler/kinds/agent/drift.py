"""Find where the registry and the live agents differ, and which registry edits settle it.

Some messages and `done` lines keep the wording of the older tools, because scripts search for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activity import LiveAgent
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import Absent, Observed, Present
from reconciler.model.plan import Drift
from reconciler.model.record import Json, PaneRow, RowEdit, Section, SessionRow, Status
from reconciler.model.snapshot import Artifact, Pane, Server, Snapshot, TmuxState

from . import notes, rows
from .case import Case, runs_untagged
from .conversation import was_stored

_GRACE = 5  # seconds by which a look at tmux may be older than the row
_CONVERSATION = "session_id"

_Change: TypeAlias = tuple[str, Json, Json]


class _RecordedAgent(Struct, frozen=True):
    """One recorded agent as it was found. `artifact` and `live` are None when they were not looked up."""

    case: Case
    row: SessionRow
    tmux: Observed[TmuxState]
    artifact: Observed[Artifact] | None
    live: LiveAgent | None
    now: str

    @property
    def server(self) -> Server:
        """The server that the agent's pane is on."""
        return self.tmux.value.server if isinstance(self.tmux, Present) else Server(socket="", pid=0, started=0)

    @property
    def pane(self) -> Pane | None:
        """The agent's pane, if it is there and its process lives."""
        pane = self.case.pane
        return pane.value if isinstance(pane, Present) and not pane.value.dead else None


def drifts(cases: Iterable[Case], snapshot: Snapshot, now: str) -> tuple[Drift, ...]:
    """The drift that tmux alone shows: classes A, B, E and F, and class C for newly proved conversation ids."""
    return _found(_recorded_agents(cases, snapshot, now), (_gone, _exited, _alive, _other_process, _bound))


def deep_drifts(cases: Iterable[Case], snapshot: Snapshot, now: str) -> tuple[Drift, ...]:
    """The drift of every class of agents; the snapshot must have looked at every agent."""
    every = (_gone, _exited, _alive, _other_process, _bound, _moved, _rotated, _materialised, _resumable, _stale)
    return _found(_recorded_agents(cases, snapshot, now), every)


def _recorded_agents(cases: Iterable[Case], snapshot: Snapshot, now: str) -> list[_RecordedAgent]:
    artifacts, agents = snapshot.artifacts, snapshot.agents
    return [
        _RecordedAgent(
            case=case,
            row=case.row,
            tmux=snapshot.tmux,
            artifact=artifacts.get(case.address),
            live=agents.get(case.address),
            now=now,
        )
        for case in cases
        if case.row
    ]


def _found(
    found: Iterable[_RecordedAgent], checks: Iterable[Callable[[_RecordedAgent], Drift | None]]
) -> tuple[Drift, ...]:
    return tuple(drift for observed in found for check in checks if (drift := check(observed)))


# --- what tmux shows --------------------------------------------------------------------------


def _gone(observed: _RecordedAgent) -> Drift | None:
    """Class A: the session is gone. `done` is the line that other tools already search for."""
    row = observed.row
    if row.status is not Status.RUNNING or not isinstance(observed.case.pane, Absent) or observed.case.orphan:
        return None
    if runs_untagged(row, observed.case.foreign_pane):
        return None
    found = _terminated(observed, DriftClass.SESSION_GONE, f"tmux session is gone{_place(row.pane)}.", notes.TMUX_GONE)
    was = f" (was pane {row.pane.pid}, cmd {row.pane.cmd})" if row.pane else ""
    return replace(found, done=f"{row.session}: tmux gone{was}. Marked terminated.")


def _place(pane: PaneRow | None) -> str:
    if pane is None:
        return ""
    where = f"was pane {pane.id}, pid" if pane.id else "was pid"
    return f"; {where} {pane.pid}" + (f", cmd {pane.cmd}" if pane.cmd else "")


def _exited(observed: _RecordedAgent) -> Drift | None:
    """Class E: the session is there, and its agent has ended."""
    pane = observed.case.pane
    if observed.row.status is not Status.RUNNING or not isinstance(pane, Present) or not pane.value.dead:
        return None
    live = pane.value
    if not live.pane_id:
        return _terminated(
            observed, DriftClass.AGENT_EXITED, "its pane is gone, its session is still there.", notes.PANE_GONE
        )
    how = rows.how_it_ended(live)
    return _terminated(
        observed, DriftClass.AGENT_EXITED, f"the agent has exited ({how}), its pane is still there.", notes.exited(how)
    )


def _alive(observed: _RecordedAgent) -> Drift | None:
    """Class B: the agent runs, and its row says that it does not."""
    if observed.pane is None or observed.row.status is Status.RUNNING or _just_ended(observed):
        return None
    fields: dict[str, Json] = {
        "status": "running",
        "last_visible_status": "running",
        **notes.note_fields(observed.row, notes.FOUND_RUNNING),
        "terminated_at": None,
        "termination_mode": None,
        **_located(observed, observed.pane),
    }
    message = f"recorded as {observed.row.status.value}, but it runs (pid {observed.pane.pid})."
    return _make(
        DriftClass.ALIVE, observed.row, message, ("status", observed.row.status.value, Status.RUNNING.value), fields
    )


def _just_ended(observed: _RecordedAgent) -> bool:
    """True when a tool ended the agent a moment ago: the look at tmux may be older than that, so the row wins.

    A time that lies further in the future comes from a clock that was wrong, and is ignored. `updated_at` counts only
    when the row says how the agent was ended: otherwise something else may have changed the row.
    """
    row = observed.row
    moments = (row.terminated_at, row.updated_at if row.termination_mode not in {"", rows.AUTO} else "")
    ages = (rows.seconds_between(at, observed.now) for at in moments)
    return any(age is not None and abs(age) < _GRACE for age in ages)


def _other_process(observed: _RecordedAgent) -> Drift | None:
    """Class F: another process runs in its pane than the recorded one."""
    live, recorded = observed.pane, observed.row.pane
    if live is None or recorded is None or observed.row.status is not Status.RUNNING or recorded.pid == live.pid:
        return None
    message = f"another process than recorded (pid {live.pid}, recorded {recorded.pid})."
    return _make(
        DriftClass.OTHER_PROCESS, observed.row, message, ("pane.pid", recorded.pid, live.pid), _located(observed, live)
    )


def _moved(observed: _RecordedAgent) -> Drift | None:
    """Class G: the session was renamed or the pane moved by hand, or the process changed its folder."""
    live, recorded = observed.pane, observed.row.pane
    if live is None or recorded is None or recorded.pid != live.pid:
        return None
    if live.session != observed.row.session:
        change = ("session", observed.row.session, live.session)
        how = f"its pane was moved to session {live.session}" if observed.case.guest else f"renamed to {live.session}"
        return _make(DriftClass.MOVED, observed.row, f"{how} by hand.", change, {})
    if not recorded.cwd or recorded.cwd == live.cwd:
        return None
    fields: dict[str, Json] = {"pane": {"cwd": live.cwd}, "updated_at": observed.now}
    message = f"works in {live.cwd}, recorded {recorded.cwd}."
    return _make(DriftClass.MOVED, observed.row, message, ("pane.cwd", recorded.cwd, live.cwd), fields)


# --- what the CLI's files show ----------------------------------------------------------------


def _rotated(observed: _RecordedAgent) -> Drift | None:
    """Class H: the running agent itself reports another conversation than the recorded one."""
    known, held = observed.case.identity.session_id, observed.live.conversation if observed.live else ""
    if not held or not known or held == known or observed.pane is None:
        return None
    edits = rows.rotate_conversation(observed.case, observed.row, held, observed.artifact)
    message = f"{observed.row.session}: conversation rotated from {known} to {held}."
    return Drift(
        kind=DriftClass.OTHER_CONVERSATION,
        session=observed.row.session,
        address=observed.row.address,
        message=message,
        before=known,
        after=held,
        edits=edits,
        path=_CONVERSATION,
    )


def _bound(observed: _RecordedAgent) -> Drift | None:
    """Class C where no id was reserved: the running process proves which conversation it has.

    The id is recorded at once. It is reported only when something is stored, hence `silent`.
    """
    held = observed.live.conversation if observed.live else ""
    if not held or observed.case.identity.session_id or observed.pane is None:
        return None
    stored = isinstance(observed.artifact, Present)
    if not observed.row.managed and not stored:
        return None
    edits = rows.rotate_conversation(observed.case, observed.row, held, observed.artifact)
    message = f"{observed.row.session}: {_saved(held)}"
    return Drift(
        kind=DriftClass.CONVERSATION_KNOWN,
        session=observed.row.session,
        address=observed.row.address,
        message=message,
        before=None,
        after=held,
        edits=edits,
        path=_CONVERSATION,
        silent=not stored,
    )


def _saved(conversation: str) -> str:
    return f"now has a saved conversation ({conversation})"


def _materialised(observed: _RecordedAgent) -> Drift | None:
    """Class C: the reserved conversation now exists on disk."""
    known = observed.case.identity.session_id
    if not known or observed.row.session_id_own or not isinstance(observed.artifact, Present) or _rotated(observed):
        return None
    fields: dict[str, Json] = {**rows.owned(observed.row, known, observed.artifact), "updated_at": observed.now}
    return _make(DriftClass.CONVERSATION_KNOWN, observed.row, _saved(known), (_CONVERSATION, None, known), fields)


def _resumable(observed: _RecordedAgent) -> Drift | None:
    """Class I: the conversation can be resumed, but its row says that it cannot."""
    if observed.row.resumable or not observed.row.session_id_own or not isinstance(observed.artifact, Present):
        return None
    if not observed.artifact.value.resumable or _rotated(observed):
        return None
    fields: dict[str, Json] = {"resumable": True, "updated_at": observed.now}
    change = ("resumable", False, True)
    return _make(
        DriftClass.RESUMABLE, observed.row, "its conversation can be resumed, recorded as not.", change, fields
    )


def _stale(observed: _RecordedAgent) -> Drift | None:
    """Class D: the recorded conversation is gone from the disk. This is reported; the row keeps the id."""
    known = observed.case.identity.session_id
    if not known or not isinstance(observed.artifact, Absent) or not _is_due(observed, known) or _rotated(observed):
        return None
    message = f"recorded session id {known} has no artifact on disk. Kept: it may have been moved."
    return _make(DriftClass.CONVERSATION_GONE, observed.row, message, (_CONVERSATION, known, None), {})


def _is_due(observed: _RecordedAgent, conversation: str) -> bool:
    """True when the CLI must have stored the conversation. It stores nothing before the first prompt."""
    row, profile = observed.row, observed.case.profile
    if profile is None or not profile.keeps_conversations:
        return False
    if row.session_id_own == conversation or row.resumable:
        return True
    lives = observed.pane is not None or runs_untagged(row, observed.case.foreign_pane)
    return not lives and was_stored(observed.case, conversation)


# --- parts ------------------------------------------------------------------------------------


def _terminated(observed: _RecordedAgent, kind: DriftClass, message: str, note: str) -> Drift:
    row = observed.row
    fields: dict[str, Json] = {
        "status": "terminated",
        "last_visible_status": "terminated",
        **notes.note_fields(row, note),
        "terminated_at": observed.now,
        "termination_mode": rows.AUTO,
        "updated_at": observed.now,
    }
    return _make(kind, row, message, ("status", row.status.value, Status.TERMINATED.value), fields)


def _located(observed: _RecordedAgent, live: Pane) -> dict[str, Json]:
    return {"updated_at": observed.now, **rows.live_fields(live, observed.server)}


def _make(kind: DriftClass, row: SessionRow, message: str, change: _Change, fields: Mapping[str, Json]) -> Drift:
    """A drift that writing `fields` settles; `change` is the path of the difference, the value before, and after."""
    edits = (RowEdit(section=Section.SESSIONS, name=row.session, fields=fields),) if fields else ()
    path, before, after = change
    return Drift(
        kind=kind,
        session=row.session,
        address=row.address,
        message=f"{row.session}: {message}",
        before=before,
        after=after,
        edits=edits,
        path=path,
    )
