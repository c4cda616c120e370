"""What is known about one agent: what is wanted, what is recorded, and its live pane.

A pane is the agent's when its session carries our tags for the address. Where a user moved the pane to another
session, it is found by its recorded id and process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.action import Reason
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.address import Address
from reconciler.model.desired import Agent, Desired, EnvVar, RunState
from reconciler.model.diagnostic import Place
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import Identity, Record, SessionRow, StartedWith, Status
from reconciler.model.snapshot import Artifact, Occupant, Pane, Snapshot, TmuxState, UnreadablePane
from reconciler.model.stored import ConversationData

from .spec import Secrets, as_launched, as_recorded, is_unset, with_ignored, would_start_with

if TYPE_CHECKING:
    from reconciler.model.hidden import Hidden


class PlanOptions(Struct, frozen=True):
    """What the user asked for beyond the manifests."""

    lineage: str = ""
    now: str = ""
    """UTC, ISO 8601 with a Z."""
    force: bool = False
    destroy: bool = False
    replace: frozenset[Address] = frozenset()
    imports: Mapping[Address, str] = field(default_factory=dict)
    """The session to import, by the agent that it becomes."""
    reason: str = ""
    """Why the user stops or archives agents; written to their rows."""
    stopped_by_hand: frozenset[Address] = frozenset()
    """The agents that a command stops or archives: they stay so until `resume`."""
    resumed_by_hand: frozenset[Address] = frozenset()
    """The agents that may start although a command stopped or archived them earlier."""
    goal: Mapping[Address, str] = field(default_factory=dict)
    """The conversation that each agent goes back to, in a rollback."""
    deletes: frozenset[Address] = frozenset()
    """The agents to end and to forget."""
    purge: bool = False
    """Whether the conversations of the deleted agents are deleted, too."""


_NOTHING_SAID = LiveAgent()
_UNKNOWN_OCCUPANT = Occupant()


class Facts(Struct, frozen=True):
    """What is looked up only for agents that are not settled, because it costs time."""

    artifact: Observed[Artifact] = ABSENT
    live: LiveAgent = _NOTHING_SAID
    executable: Observed[str] = ABSENT
    unclaimed: tuple[str, ...] = ()
    """Stored conversations that may be its own, when nothing proves which one is."""
    elsewhere: int = 0
    """The pid of a process outside its session that has its conversation; 0 when there is none."""
    untrusted: tuple[str, str] | None = None
    """The CLI's settings file, and the folder to add to the trusted ones in it."""
    belongings: Mapping[str, Observed[ConversationData]] = field(default_factory=dict)
    """What is stored under each of its conversation ids; only for an agent that is to be deleted."""
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The agents and sessions that have, or had, each conversation."""
    deleted_by_start: tuple[str, ...] = ()
    """Stored files that the CLI itself would delete when it starts."""
    moved_from: str = ""
    """The folder that its conversation began in, when that is not the agent's folder."""
    version: str = ""
    """The CLI's version; looked up only together with `moved_from`."""
    occupant: Occupant = _UNKNOWN_OCCUPANT
    """What runs in the foreign session that has its name, or that is to be imported."""
    missing_store: str = ""
    """The folder in which its CLI stored everything, when that folder is missing or empty."""
    hidden: Hidden | None = None
    """What its wrapper hides of it."""
    absent: frozenset[str] = frozenset()
    """The folders of its `cwd` and `path` that do not exist."""
    wrapper: Observed[str] | None = None
    """The program file of its wrapper; None when it has none."""

    @property
    def store_is_hidden(self) -> bool:
        """Whether its CLI stores conversations where nobody looks for them."""
        return self.hidden is not None and self.hidden.store

    @property
    def in_use_because(self) -> tuple[Reason, str]:
        """Why the agent counts as in use: the reason code, and a phrase for the user."""
        if self.live.activity is Activity.WAITING:
            return Reason.WAITING, "it waits at a permission prompt"
        if self.live.activity is Activity.UNKNOWN:
            return Reason.STATE_UNKNOWN, "nothing shows whether it is at work"
        return Reason.BUSY, "it is busy"


class Case(Struct, frozen=True):
    """All that is known about one agent without a closer look."""

    address: Address
    spec: Agent | None
    """What the manifests declare; None when they do not declare the agent."""
    row: SessionRow | None
    identity: Identity
    profile: Profile | None
    """None when the recorded agent type is not known any more."""
    pane: Observed[Pane]
    """The agent's own pane."""
    foreign_pane: Pane | None = None
    """A pane of a session that has the wanted or recorded name and is not ours."""
    pane_to_import: Pane | None = None
    """The pane of the session that `import` names."""
    wanted: StartedWith | None = None
    """What the registry would record if the agent were started now; None when no manifest declares it."""
    unset: tuple[EnvVar, ...] = ()
    """The declared variables that have no value now."""
    goal: str = ""
    """The conversation to go back to in a rollback; empty when the agent keeps its own."""
    orphan: int = 0
    """The pid of the recorded process when it runs on without a session; 0 when there is none."""
    guest: bool = False
    """True when the session of its pane is not the agent's alone, so ending the session would end more."""

    @property
    def session(self) -> str:
        """The name of its session: the declared one, else the recorded one."""
        if self.spec is not None:
            return self.spec.session
        return self.row.session if self.row else ""

    @property
    def protected(self) -> bool:
        """Whether it is protected: by the manifest while that declares the agent, afterwards by the registry."""
        return self.spec.protect if self.spec else bool(self.row and self.row.protect)

    @property
    def place(self) -> Place | None:
        """Where the manifest declares it."""
        return self.spec.place if self.spec else None


def settled(case: Case, options: PlanOptions) -> bool:
    """True when the agent runs exactly as wanted and recorded: the common case, which needs no closer look."""
    spec, row = case.spec, case.row
    if spec is None or row is None or not isinstance(case.pane, Present) or spec.state is not RunState.RUNNING:
        return False
    if (
        options.destroy
        or case.goal
        or any(case.address in named for named in (options.replace, options.imports, options.deletes))
    ):
        return False
    live = case.pane.value
    return (
        not live.dead
        and not case.guest
        and live.session == row.session == spec.session
        and row.managed
        and row.protect == spec.protect
        and row.depends_on == tuple(map(str, spec.depends_on))
        # What an imported agent was started with is not known: that alone is no reason to restart it.
        and (row.started_with is None or row.started_with == case.wanted)
    )


def unidentified(case: Case) -> bool:
    """True when the CLI chooses the ids of its conversations, and this agent's is not known yet."""
    profile = case.profile
    return profile is not None and profile.launch.mints_id and not case.identity.session_id


def unbound(case: Case) -> bool:
    """True when the agent is `unidentified` and runs: a look at its process may find the conversation."""
    return unidentified(case) and isinstance(case.pane, Present) and not case.pane.value.dead


class _Live(Struct, frozen=True):
    """The panes of a tmux server, with indexes."""

    by_session: Mapping[str, tuple[Pane, ...]]
    by_address: Mapping[str, tuple[str, ...]]
    """The names of the sessions that carry our tags, by the address in the tags."""
    by_id: Mapping[str, Pane]
    agents: Mapping[str, Address]
    """The agent that the registry records for a pane id of this server."""
    unread: tuple[UnreadablePane, ...]
    server_pid: int


class _Known(Struct, frozen=True):
    """The sources that every case is built from."""

    record: Record
    profiles: Mapping[str, Profile]
    secrets: Secrets
    live: _Live
    options: PlanOptions


def cases(
    desired: Desired, record: Record, snapshot: Snapshot, profiles: Mapping[str, Profile], options: PlanOptions
) -> dict[Address, Case]:
    """Build a case for every agent that is declared, or recorded as managed and not at rest."""
    known = _Known(record, profiles, snapshot.secrets, _index(snapshot.tmux, record), options)
    rows = _rows_by_address(record.sessions.values(), desired.agents)
    found = {address: _declared(spec, rows.get(address), known) for address, spec in desired.agents.items()}
    for address, row in rows.items():
        gone = _at_rest(row, known.live) and address not in options.deletes
        if address not in desired.agents and row.managed and not gone:
            found[address] = _undeclared(row, known)
    if isinstance(snapshot.tmux, Unknown):
        # Without an answer of tmux, nothing is known about any pane, so no agent counts as gone.
        return {address: replace(case, pane=snapshot.tmux) for address, case in found.items()}
    return found | {each: _with_orphan(found[each], pid) for each, pid in snapshot.orphans.items() if each in found}


def _with_orphan(case: Case, process: Observed[int]) -> Case:
    """The case of an agent whose pane tmux does not show, while its recorded process runs or may run."""
    if not isinstance(case.pane, Absent) or isinstance(process, Absent):
        return case
    return replace(case, orphan=process.value) if isinstance(process, Present) else replace(case, pane=process)


def with_unmanaged(
    found: Mapping[Address, Case], record: Record, snapshot: Snapshot, profiles: Mapping[str, Profile]
) -> dict[Address, Case]:
    """Add the recorded sessions that no manifest manages: found by chance, or started by an older tool.

    Only their names identify them. That is enough to report on them, but not to end or start anything.
    """
    if isinstance(snapshot.tmux, Unknown):
        return dict(found)
    known = {address: _left_behind(case) for address, case in found.items()}
    strangers = [row for row in record.sessions.values() if not row.managed and row.status is not Status.ARCHIVED]
    live = _index(snapshot.tmux if strangers else ABSENT, record)
    for row in strangers:
        if row.address in known:
            continue
        panes = live.by_session.get(row.session)
        pane: Observed[Pane] = Present(_agent_pane(panes, row, live.server_pid)) if panes else _unread(row, live)
        identity = record.identity(row.address, row)
        known[row.address] = Case(
            address=row.address, spec=None, row=row, identity=identity, profile=profiles.get(row.type), pane=pane
        )
    return known


def _unread(row: SessionRow, live: _Live) -> Absent | Unknown:
    """`Unknown` when a pane that could not be read may belong to the session, else `Absent`."""
    return _doubt(row.address, row, live, row.session) or ABSENT


def _left_behind(case: Case) -> Case:
    """The case with the session of an older tool as its own: that tool set no tags, so the row identifies it."""
    pane = case.foreign_pane
    if case.spec or case.row is None or not isinstance(case.pane, Absent) or not runs_untagged(case.row, pane):
        return case
    return replace(case, pane=Present(pane), foreign_pane=None) if pane else case


def runs_untagged(row: SessionRow, foreign_pane: Pane | None) -> bool:
    """True when the recorded process runs in a session without our tags, as an older tool leaves it.

    Where the row records no process, any live session of that name may hold it, except another project's.
    """
    if foreign_pane is None or foreign_pane.dead:
        return False
    return row.pane.pid == foreign_pane.pid if row.pane else not foreign_pane.lineage


def session_name(case: Case, live: Pane) -> str:
    """The name by which the user knows the agent's session, even while its pane is in another session."""
    return case.session if case.guest else live.session


def relocated(case: Case, live: Pane) -> str:
    """Say where a user moved the agent's pane to; empty when it is in its own session."""
    return f"its pane was moved to session {live.session}" if case.guest and live.session != case.session else ""


def _declared(spec: Agent, row: SessionRow | None, known: _Known) -> Case:
    profile = as_launched(known.profiles[spec.type], spec.wrap, spec.command)
    pane = _own_pane(spec.address, row, known.live, spec.session)
    lineage = known.options.lineage or known.record.lineage
    wanted = would_start_with(spec, profile, known.secrets, lineage, row)
    return Case(
        address=spec.address,
        spec=spec,
        row=row,
        identity=known.record.identity(spec.address, row),
        profile=profile,
        pane=pane,
        foreign_pane=_foreign_pane(spec.session, spec.address, pane, known.live),
        pane_to_import=_pane_to_import(known.options.imports.get(spec.address), known.live),
        wanted=with_ignored(wanted, row, spec.ignore),
        unset=tuple(var for var in spec.env if is_unset(var, known.secrets)),
        goal=known.options.goal.get(spec.address, ""),
        guest=_is_guest(spec.address, pane, known.live),
    )


def _undeclared(row: SessionRow, known: _Known) -> Case:
    pane = _own_pane(row.address, row, known.live, row.session)
    profile = as_recorded(known.profiles.get(row.type), row)
    foreign_pane = _foreign_pane(row.session, row.address, pane, known.live)
    identity, guest = known.record.identity(row.address, row), _is_guest(row.address, pane, known.live)
    return Case(
        address=row.address,
        spec=None,
        row=row,
        identity=identity,
        profile=profile,
        pane=pane,
        foreign_pane=foreign_pane,
        guest=guest,
    )


def _at_rest(row: SessionRow, live: _Live) -> bool:
    return row.status is Status.ARCHIVED and str(row.address) not in live.by_address


def _index(tmux: Observed[TmuxState], record: Record) -> _Live:
    if not isinstance(tmux, Present):
        return _Live(by_session={}, by_address={}, by_id={}, agents={}, unread=(), server_pid=0)
    sessions: dict[str, list[Pane]] = defaultdict(list)
    owned: dict[str, list[str]] = defaultdict(list)
    by_id: dict[str, Pane] = {}
    for pane in tmux.value.panes:
        sessions[pane.session].append(pane)
        ours = pane.lineage == record.lineage != ""
        if ours and pane.session not in owned[pane.address]:
            owned[pane.address].append(pane.session)
        if ours or pane.pane_id not in by_id:  # tmux lists a linked window's pane once per session
            by_id[pane.pane_id] = pane
    by_session = {name: tuple(panes) for name, panes in sessions.items()}
    by_address = {address: tuple(names) for address, names in owned.items()}
    pid = tmux.value.server.pid
    rows = (row for row in record.sessions.values() if row.managed and row.status is Status.RUNNING)
    agents = {row.pane.id: row.address for row in rows if row.pane and row.server and row.server.pid == pid}
    return _Live(
        by_session=by_session,
        by_address=by_address,
        by_id=by_id,
        agents=agents,
        unread=tmux.value.unread,
        server_pid=pid,
    )


def _own_pane(address: Address, row: SessionRow | None, live: _Live, wanted_name: str) -> Observed[Pane]:
    """The pane of the session that carries our tags for this address, or the recorded pane if it was moved."""
    names = live.by_address.get(str(address), ())
    if len(names) > 1 and wanted_name not in names:
        return Unknown(f"several sessions claim to be {address}: {', '.join(sorted(names))}")
    name = wanted_name if wanted_name in names else names[0] if names else ""
    found = _agent_pane(live.by_session[name], row, live.server_pid) if name else None
    if found and not _is_lost(found):
        return Present(found)
    elsewhere = _out_of_place(address, row, live, name or wanted_name)
    if elsewhere or not found:
        return elsewhere or ABSENT
    others = [live.agents[pane.pane_id] for pane in live.by_session[name] if pane.pane_id in live.agents]
    return Unknown(f"its pane is gone, and {others[0]} is in its session {name}") if others else Present(found)


def _is_lost(pane: Pane) -> bool:
    """True when the session is there but the agent's pane is gone: see `_agent_pane`."""
    return not pane.pane_id


def _out_of_place(address: Address, row: SessionRow | None, live: _Live, name: str) -> Present[Pane] | Unknown | None:
    """Find a pane that is not in its session: where it is now, or why that is unknown; None when it is gone."""
    moved = _moved(row, live)
    return Present(moved) if moved else _doubt(address, row, live, name)


def _doubt(address: Address, row: SessionRow | None, live: _Live, name: str) -> Unknown | None:
    unread = next((each.reason for each in live.unread if _may_be(each, address, row, name)), "")
    return Unknown(f"tmux's answer about a pane that may be its own cannot be read: {unread}") if unread else None


def _moved(row: SessionRow | None, live: _Live) -> Pane | None:
    """The recorded pane, if it runs the recorded process in another session of the same tmux server.

    A pane in the session of the recorded name was not moved. That session has lost its tags, so it is not ours.
    """
    if row is None or row.pane is None or row.server is None or row.server.pid != live.server_pid:
        return None
    pane = live.by_id.get(row.pane.id)
    if pane is None or pane.pid != row.pane.pid or pane.dead or pane.session == row.session:
        return None
    is_ours = pane.session in live.by_address.get(pane.address, ())
    host = pane if is_ours else replace(pane, lineage="", address="")
    return replace(host, conversation="")  # tmux keeps tags per session: this one is another session's


def _may_be(unread: UnreadablePane, address: Address, row: SessionRow | None, name: str) -> bool:
    recorded = row.pane.id if row and row.pane else ""
    names = {unread.address: str(address), unread.session: name, unread.pane_id: recorded}
    return not unread.session_id or any(found and found == own for found, own in names.items())


def _is_guest(address: Address, pane: Observed[Pane], live: _Live) -> bool:
    """True when ending the session would end more than this agent: it is not the agent's, or holds another one."""
    if not isinstance(pane, Present) or not pane.value.pane_id:
        return False
    if pane.value.session not in live.by_address.get(str(address), ()):
        return True
    panes = live.by_session[pane.value.session]
    return len(panes) > 1 and any(live.agents.get(each.pane_id, address) != address for each in panes)


def _agent_pane(panes: tuple[Pane, ...], row: SessionRow | None, server_pid: int) -> Pane:
    """The recorded pane, if this is the server that it was recorded on; else the oldest pane.

    Pane ids begin again in a new server. If the recorded pane is gone while its session is still there, the agent has
    ended: the answer is then a dead pane without an id.
    """
    if row is None or row.pane is None or row.server is None or row.server.pid != server_pid:
        return _oldest(panes)
    recorded_id = row.pane.id
    recorded = next((pane for pane in panes if pane.pane_id == recorded_id), None)
    return recorded or replace(_oldest(panes), dead=True, pane_id="", pid=0)


def _oldest(panes: tuple[Pane, ...]) -> Pane:
    """The pane with the lowest id: the one that the session began with, unless that one was closed."""
    return min(panes, key=lambda pane: int(pane.pane_id.lstrip("%") or 0)) if len(panes) > 1 else panes[0]


def _foreign_pane(name: str, address: Address, own: Observed[Pane], live: _Live) -> Pane | None:
    panes = live.by_session.get(name)
    is_own = isinstance(own, Present) and (own.value.session == name or name in live.by_address.get(str(address), ()))
    return _oldest(panes) if panes and not is_own else None


def _pane_to_import(name: str | None, live: _Live) -> Pane | None:
    panes = live.by_session.get(name) if name else None
    return _oldest(panes) if panes else None


def _rows_by_address(rows: Iterable[SessionRow], wanted: Mapping[Address, Agent]) -> dict[Address, SessionRow]:
    """One row per address. Of two rows, which only an edit by hand makes, prefer the declared name, then running."""
    chosen: dict[Address, SessionRow] = {}
    for row in rows:
        address = row.address
        earlier = chosen.get(address)
        if earlier is None or _rank(row, wanted) > _rank(earlier, wanted):
            chosen[address] = row
    return chosen


def _rank(row: SessionRow, wanted: Mapping[Address, Agent]) -> tuple[bool, bool]:
    spec = wanted.get(row.address)
    return (spec is not None and spec.session == row.session, row.status is Status.RUNNING)
