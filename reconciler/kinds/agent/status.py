"""The state of each agent, in one line: what `reconciler status` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.record import Record, SessionRow, Status
from reconciler.model.snapshot import Pane, Snapshot, UnreachableServer

from . import rows
from .case import Case, relocated
from .conversation import continued, conversation_facts, found_from_here
from .preconditions import unset


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
    return AgentStatus(
        address=case.address,
        session=pane.session if pane and not case.guest else case.session,
        type=case.spec.type if case.spec else (row.type if row else ""),
        status=row.status.value if row else "declared",
        live=_liveness(case),
        state=live.activity.value if alive and live else "",
        conversation=_conversation(case, pane, live),
        pid=pane.pid if pane and alive else None,
        since=row.created_at if row and alive else "",
        note=_note(case, pane, snapshot),
    )


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
    live = snapshot.agents.get(case.address)
    if live and live.dialog:
        return f"waiting at the {live.dialog} dialog: attach and answer"
    return relocated(case, pane) or _recorded_note(case)


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
    )
