"""How each agent is, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.record import Record, SessionRow, Status
from reconciler.model.snapshot import Pane, Snapshot, UnreachableServer

from . import rows
from .case import Case, relocated


class AgentStatus(Struct, frozen=True):
    """One agent as recorded and as live; `state` is empty unless it is alive."""

    address: Address
    session: str
    type: str
    status: str
    live: str  # alive | exited | gone | unknown | foreign
    state: str = ""
    conversation: str = ""
    pid: int | None = None
    since: str = ""
    note: str = ""


def statuses(cases: Mapping[Address, Case], record: Record, snapshot: Snapshot) -> Iterator[AgentStatus]:
    """Every agent that is declared or recorded, by address."""
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
    talks = snapshot.agents.get(case.address)
    alive = pane is not None and not pane.dead
    return AgentStatus(
        address=case.address,
        session=pane.session if pane and not case.guest else case.session,
        type=case.spec.type if case.spec else (row.type if row else ""),
        status=row.status.value if row else "declared",
        live=_liveness(case),
        state=talks.activity.value if alive and talks else "",
        conversation=_conversation(case, pane, talks),
        pid=pane.pid if pane and alive else None,
        since=row.created_at if row and alive else "",
        note=_note(case, pane, talks),
    )


def _conversation(case: Case, pane: Pane | None, talks: LiveAgent | None) -> str:
    """What the agent itself says, else what is recorded, else what it was started into."""
    said = talks.conversation if talks and pane else ""
    return said or case.identity.session_id or (pane.conversation if pane else "")


def _liveness(case: Case) -> str:
    match case.pane:
        case Unknown():
            return "unknown"
        case Present(pane):
            return "exited" if pane.dead else "alive"
        case Absent() if case.orphan:
            return "unknown"
        case Absent():
            return "foreign" if case.squatter else "gone"


def _note(case: Case, pane: Pane | None, talks: LiveAgent | None) -> str:
    if isinstance(case.pane, Unknown):
        return "its tmux server cannot be reached" if isinstance(case.pane, UnreachableServer) else case.pane.reason
    if case.squatter:
        return f"a foreign session has the name (pid {case.squatter.pid})"
    if pane is None:
        return _absent_note(case)
    if pane.dead:
        return _dead_note(pane)
    if talks and talks.dialog:
        return f"waiting at the {talks.dialog} dialog: attach and answer"
    return relocated(case, pane) or _recorded_note(case)


def _dead_note(pane: Pane) -> str:
    if not pane.pane_id:
        return "its pane is gone, its session is still there"
    return f"exited with {rows.how_it_ended(pane)}"


def _absent_note(case: Case) -> str:
    if case.orphan:
        return f"process {case.orphan} still runs, although its session is gone"
    lost = case.spec is not None and case.row is not None and case.row.status is Status.RUNNING
    return "lost: apply brings it back" if lost else _recorded_note(case)


def _recorded_note(case: Case) -> str:
    if case.spec is None:
        return "in no manifest"
    return case.row.note if case.row else "not started yet"


def _of_row(row: SessionRow, pane: Pane | None) -> AgentStatus:
    """An agent at rest, or one that no manifest manages and that may be live under its session's name."""
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
    )
