"""The state of each agent, in one line: what `reconciler status` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.model.moment import from_unix
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.record import Record, SessionRow, Status
from reconciler.model.snapshot import Pane, Snapshot, UnreachableServer

from . import rows
from .case import Case, relocated
from .conversation import continued, conversation_facts, found_from_here
from .preconditions import unset
from .status_group import StatusGroup, ended_by_itself, group_of, is_lost


class AgentStatus(Struct, frozen=True):
    """One agent as recorded and as live."""

    address: Address
    session: str
    type: str
    status: str
    """The recorded status, or `declared` when it has no row."""
    live: str
    """`alive`, `exited`, `gone`, `unknown`, or `foreign` when another session has its name."""
    state: str = ""
    """Its activity; empty unless it is alive."""
    conversation: str = ""
    pid: int | None = None
    since: str = ""
    """UTC, ISO 8601 with a Z; empty unless it is alive."""
    note: str = ""
    group: StatusGroup = StatusGroup.STOPPED
    shows_state: bool = True
    """Whether there is a way to see what agents of its type do."""
    state_since: str = ""
    """Since when it is in its state, or at rest: UTC, ISO 8601 with a Z; empty when nothing shows that."""
    waits_for: str = ""
    """What it needs from the user: `permission`, or the name of a start dialog; else empty."""


def statuses(cases: Mapping[Address, Case], record: Record, snapshot: Snapshot) -> Iterator[AgentStatus]:
    """The status of every agent that is declared or recorded, sorted by address."""
    resting = {row.address: row for row in record.sessions.values() if row.address not in cases}
    panes: dict[str, Pane] = {}
    for pane in snapshot.tmux.value.panes if isinstance(snapshot.tmux, Present) else ():
        panes.setdefault(pane.session, pane)
    for address in sorted(cases.keys() | resting.keys()):
        if address in cases:
            yield _of_case(cases[address], snapshot)
        else:
            yield _of_row(resting[address], panes.get(resting[address].session))


def _of_case(case: Case, snapshot: Snapshot) -> AgentStatus:
    row, pane = case.row, case.pane.value if isinstance(case.pane, Present) else None
    live = snapshot.agents.get(case.address)
    alive = pane is not None and not pane.dead
    liveness, activity = _liveness(case), live.activity if alive and live else Activity.UNKNOWN
    return AgentStatus(
        address=case.address,
        session=pane.session if pane and not case.guest else case.session,
        type=case.spec.type if case.spec else (row.type if row else ""),
        status=row.status.value if row else "declared",
        live=liveness,
        state=live.activity.value if alive and live else "",
        conversation=_conversation(case, pane, live),
        pid=pane.pid if pane and alive else None,
        since=row.created_at if row and alive else "",
        note=_note(case, pane, snapshot),
        group=group_of(liveness, activity, lost=is_lost(case)),
        shows_state=case.profile is None or case.profile.shows_activity,
        state_since=_state_since(pane, live, snapshot) if alive else _resting_since(row, liveness),
        waits_for=_waits_for(live) if alive and live else "",
    )


def _state_since(pane: Pane | None, live: LiveAgent | None, snapshot: Snapshot) -> str:
    """Since when a live agent is in its state.

    The CLI's own report counts. Without one, an agent that does not work is in its state since it last printed. Since
    when an agent works is not known then: it prints all the time.
    """
    if live is None or pane is None or live.activity is Activity.UNKNOWN:
        return ""
    printed = snapshot.tmux.value.last_output.get(pane.pane_id, 0) if isinstance(snapshot.tmux, Present) else 0
    since = live.since or (0 if live.activity is Activity.BUSY else printed)
    return from_unix(since) if since else ""


def _resting_since(row: SessionRow | None, liveness: str) -> str:
    """Since when an agent is at rest, as recorded; empty for one that may still run."""
    if row is None or liveness != "gone" or row.status is Status.RUNNING:
        return ""
    return row.terminated_at or row.updated_at


def _waits_for(live: LiveAgent) -> str:
    if live.activity is Activity.WAITING:
        return "permission"
    return (live.dialog or "start") if live.activity is Activity.DIALOG else ""


def _conversation(case: Case, pane: Pane | None, live: LiveAgent | None) -> str:
    """The id that the agent itself reports, else the recorded one, else the one in the session's tags."""
    reported = live.conversation if live and pane else ""
    return reported or case.identity.session_id or (pane.conversation if pane else "")


def _liveness(case: Case) -> str:
    match case.pane:
        case Unknown():
            return "unknown"
        case Present(pane):
            return "exited" if pane.dead else "alive"
        case Absent() if case.orphan:
            return "unknown"
        case Absent():
            return "foreign" if case.foreign_pane else "gone"


def _note(case: Case, pane: Pane | None, snapshot: Snapshot) -> str:
    if isinstance(case.pane, Unknown):
        return "its tmux server cannot be reached" if isinstance(case.pane, UnreachableServer) else case.pane.reason
    if case.foreign_pane:
        return f"a foreign session has the name (pid {case.foreign_pane.pid}{_whose(case.address, snapshot)})"
    if pane is None:
        return _absent_note(case, snapshot)
    if pane.dead:
        return _dead_note(pane)
    return _live_note(case, snapshot.agents.get(case.address)) or relocated(case, pane) or _recorded_note(case)


def _live_note(case: Case, live: LiveAgent | None) -> str:
    if live and live.dialog:
        return f"waiting at the {live.dialog} dialog: attach and answer"
    if live and live.missing and case.profile:
        return f"{case.profile.name} does not run in its pane, only {live.missing}"
    return ""


def _whose(address: Address, snapshot: Snapshot) -> str:
    """The other project that a foreign session belongs to, as far as it is known."""
    occupant = snapshot.occupants.get(address)
    return f", of the project in {occupant.project}" if occupant and occupant.project else ""


def _dead_note(pane: Pane) -> str:
    if not pane.pane_id:
        return "its pane is gone, its session is still there"
    return f"exited with {rows.how_it_ended(pane)}"


def _absent_note(case: Case, snapshot: Snapshot) -> str:
    if case.orphan:
        return f"process {case.orphan} still runs, although its session is gone"
    wanted = case.spec is not None and case.spec.state is RunState.RUNNING
    if wanted and case.row is not None and case.row.status is Status.RUNNING:
        return _lost_note(case, snapshot)
    return _recorded_note(case)


def _lost_note(case: Case, snapshot: Snapshot) -> str:
    """What the next apply does about an agent whose session is gone, decided as the plan decides it."""
    facts = conversation_facts(case.address, snapshot)
    conversation = unset(case) or continued(case, facts)
    if not isinstance(conversation, Problem):
        conversation = found_from_here(case, conversation, facts, lives=False)
    if isinstance(conversation, Problem) or conversation.mode.refuses:
        return f"lost: apply does not start it, see `reconciler explain {case.session}`"
    return "lost: apply starts it again"


def _recorded_note(case: Case) -> str:
    if case.spec is None:
        return "in no manifest"
    return case.row.note if case.row else "not started yet"


def _of_row(row: SessionRow, pane: Pane | None) -> AgentStatus:
    """The status of an agent at rest, or of an unmanaged one, which is found by its session's name alone."""
    live = "gone" if pane is None else "exited" if pane.dead else "alive"
    return AgentStatus(
        address=row.address,
        session=row.session,
        type=row.type,
        status=row.status.value,
        live=live,
        conversation=row.session_id_own or "",
        pid=pane.pid if pane and not pane.dead else None,
        note=row.note,
        group=group_of(live, Activity.UNKNOWN, lost=ended_by_itself(row, wanted=False)),
        state_since=_resting_since(row, live),
    )
