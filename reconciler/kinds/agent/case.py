"""What is known about one agent: what is wanted, what is recorded, and its live pane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

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

from .spec import Secrets, known_value, with_ignored, would_start_with


class PlanOptions(Struct, frozen=True):
    """What the user asked for beyond the manifests. `now` is UTC, ISO 8601 with a Z.

    `rested` are put to rest by hand, `reason` says why; `woken` are those whose rest by hand is over;
    `deletes` are to be ended and forgotten, with `purge` together with their conversations. `goal` are the
    conversations that agents shall go back to.
    """

    lineage: str = ""
    now: str = ""
    force: bool = False
    destroy: bool = False
    replace: frozenset[Address] = frozenset()
    imports: Mapping[Address, str] = field(default_factory=dict)
    reason: str = ""
    rested: frozenset[Address] = frozenset()
    woken: frozenset[Address] = frozenset()
    goal: Mapping[Address, str] = field(default_factory=dict)
    deletes: frozenset[Address] = frozenset()
    purge: bool = False


_SILENT = LiveAgent()
_NOBODY = Occupant()


class Facts(Struct, frozen=True):
    """What has to be looked up once something is to be done about an agent.

    `unclaimed` are stored conversations that may be its own; `elsewhere` is the pid of a process
    outside its session that has its conversation, 0 for none. `untrusted` are the CLI's settings and
    the folder that is to be trusted in them; `deleted_at_start` are stored files that a start would delete.
    `belongings` is what is stored under its ids, and `holders` who has each conversation, when it is to be deleted.
    Its conversation began in the folder `moved_from`, where that is another one; `version` is that of its CLI then. The
    `occupant` is in the foreign session that has its name, or shall become its own. `missing_store` is the folder of
    its CLI that is missing.
    """

    artifact: Observed[Artifact] = ABSENT
    live: LiveAgent = _SILENT
    executable: Observed[str] = ABSENT
    unclaimed: tuple[str, ...] = ()
    elsewhere: int = 0
    untrusted: tuple[str, str] | None = None
    belongings: Mapping[str, Observed[ConversationData]] = field(default_factory=dict)
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    deleted_at_start: tuple[str, ...] = ()
    moved_from: str = ""
    version: str = ""
    occupant: Occupant = _NOBODY
    missing_store: str = ""

    @property
    def in_use_because(self) -> tuple[Reason, str]:
        """Why an agent that is in use counts as such, with a clause for the user."""
        if self.live.activity is Activity.WAITING:
            return Reason.WAITING, "it waits at a permission prompt"
        if self.live.activity is Activity.UNKNOWN:
            return Reason.STATE_UNKNOWN, "nothing shows whether it is at work"
        return Reason.BUSY, "it is busy"


class Case(Struct, frozen=True):
    """One agent.

    `pane` is the agent's own pane, found by our tags, or by its id and process where somebody moved it; as a `guest`
    it shares its session with what is not the agent's. `squatter` is a foreign pane whose session has
    the wanted or recorded name, `adoptee` the pane that shall be imported. `wanted` is what a start now would
    record, None when nothing is wanted; `unset` are the variables that have no value now. `goal` is the
    conversation that it shall go back to, empty when it goes on in its own. `orphan` is the recorded process that
    lives on without a session, 0 for none.
    """

    address: Address
    spec: Agent | None
    row: SessionRow | None
    identity: Identity
    profile: Profile | None
    pane: Observed[Pane]
    squatter: Pane | None = None
    adoptee: Pane | None = None
    wanted: StartedWith | None = None
    unset: tuple[EnvVar, ...] = ()
    goal: str = ""
    orphan: int = 0
    guest: bool = False

    @property
    def session(self) -> str:
        """The name its session has, or shall have."""
        if self.spec is not None:
            return self.spec.session
        return self.row.session if self.row else ""

    @property
    def protected(self) -> bool:
        """The manifest decides while it declares the agent; after that, the registry remembers."""
        return self.spec.protect if self.spec else bool(self.row and self.row.protect)

    @property
    def place(self) -> Place | None:
        """Where the manifest declares it."""
        return self.spec.place if self.spec else None


def settled(case: Case, options: PlanOptions) -> bool:
    """True when the agent runs exactly as wanted and recorded: the common case, and the cheap one."""
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
        and (row.started_with is None or row.started_with == case.wanted)
    )


def unidentified(case: Case) -> bool:
    """True when an agent's conversation, whose id its CLI chose itself, is not known yet."""
    profile = case.profile
    return profile is not None and profile.launch.mints_id and not case.identity.session_id


def unbound(case: Case) -> bool:
    """True when such an agent runs: its process may tell."""
    return unidentified(case) and isinstance(case.pane, Present) and not case.pane.value.dead


class _Live(Struct, frozen=True):
    """The panes of a server, found by session name, by our tags and by their ids; `agents` has the agent of a pane."""

    by_session: Mapping[str, tuple[Pane, ...]]
    by_address: Mapping[str, tuple[str, ...]]
    by_id: Mapping[str, Pane]
    agents: Mapping[str, Address]
    unread: tuple[UnreadablePane, ...]
    server_pid: int


class _Known(Struct, frozen=True):
    """What every case is put together from."""

    record: Record
    profiles: Mapping[str, Profile]
    secrets: Secrets
    live: _Live
    options: PlanOptions


def cases(
    desired: Desired, record: Record, snapshot: Snapshot, profiles: Mapping[str, Profile], options: PlanOptions
) -> dict[Address, Case]:
    """A case for every agent that is declared, or recorded as managed and not at rest."""
    known = _Known(record, profiles, snapshot.secrets, _index(snapshot.tmux, record), options)
    rows = _rows_by_address(record.sessions.values(), desired.agents)
    found = {address: _declared(spec, rows.get(address), known) for address, spec in desired.agents.items()}
    for address, row in rows.items():
        gone = _at_rest(row, known.live) and address not in options.deletes
        if address not in desired.agents and row.managed and not gone:
            found[address] = _undeclared(row, known)
    if isinstance(snapshot.tmux, Unknown):
        return {address: replace(case, pane=snapshot.tmux) for address, case in found.items()}
    return found | {each: _orphaned(found[each], who) for each, who in snapshot.orphans.items() if each in found}


def _orphaned(case: Case, process: Observed[int]) -> Case:
    """A pane that is not shown is not gone for certain while the process in it may live."""
    if not isinstance(case.pane, Absent) or isinstance(process, Absent):
        return case
    return replace(case, orphan=process.value) if isinstance(process, Present) else replace(case, pane=process)


def with_unmanaged(
    found: Mapping[Address, Case], record: Record, snapshot: Snapshot, profiles: Mapping[str, Profile]
) -> dict[Address, Case]:
    """The cases, and those of recorded sessions that are not ours: found by themselves, or left by an older tool.

    They are known by their names alone, so they are good for telling, and for nothing that ends or starts.
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
    """What is known of a session that is not among those that could be read."""
    return _doubt(row.address, row, live, row.session) or ABSENT


def _left_behind(case: Case) -> Case:
    """The session of an older tool, which set no tags, is the one that its row is about."""
    if case.spec or case.row is None or not isinstance(case.pane, Absent) or not runs_untagged(case.row, case.squatter):
        return case
    return replace(case, pane=Present(case.squatter), squatter=None) if case.squatter else case


def runs_untagged(row: SessionRow, squatter: Pane | None) -> bool:
    """True when the recorded process lives on in a session that is not ours, as an older tool leaves it.

    Where none was recorded, any live session of that name may hold it, but for another project's.
    """
    if squatter is None or squatter.dead:
        return False
    return row.pane.pid == squatter.pid if row.pane else not squatter.lineage


def session_name(case: Case, live: Pane) -> str:
    """The session of the agent as the user knows it, also while its pane is in another one."""
    return case.session if case.guest else live.session


def relocated(case: Case, live: Pane) -> str:
    """Where the pane of an agent is that somebody moved, in words for the user; empty while it is in its place."""
    return f"its pane was moved to session {live.session}" if case.guest and live.session != case.session else ""


def _declared(spec: Agent, row: SessionRow | None, known: _Known) -> Case:
    profile = known.profiles[spec.type]
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
        squatter=_squatter(spec.session, spec.address, pane, known.live),
        adoptee=_adoptee(known.options.imports.get(spec.address), known.live),
        wanted=with_ignored(wanted, row, spec.ignore),
        unset=tuple(var for var in spec.env if known_value(var, known.secrets) is None),
        goal=known.options.goal.get(spec.address, ""),
        guest=_is_guest(spec.address, pane, known.live),
    )


def _undeclared(row: SessionRow, known: _Known) -> Case:
    pane = _own_pane(row.address, row, known.live, row.session)
    profile, squatter = known.profiles.get(row.type), _squatter(row.session, row.address, pane, known.live)
    identity, guest = known.record.identity(row.address, row), _is_guest(row.address, pane, known.live)
    return Case(
        address=row.address,
        spec=None,
        row=row,
        identity=identity,
        profile=profile,
        pane=pane,
        squatter=squatter,
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
        if ours or pane.pane_id not in by_id:  # one that is linked is in several sessions
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
    """The pane of the session that carries our tags for this address, or the recorded one where somebody moved it."""
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
    """True when the session is there and the agent's pane is not."""
    return not pane.pane_id


def _out_of_place(address: Address, row: SessionRow | None, live: _Live, name: str) -> Present[Pane] | Unknown | None:
    """Where the pane is that is not in its session, or why that cannot be told; None when it is surely gone."""
    moved = _moved(row, live)
    return Present(moved) if moved else _doubt(address, row, live, name)


def _doubt(address: Address, row: SessionRow | None, live: _Live, name: str) -> Unknown | None:
    unread = next((each.reason for each in live.unread if _may_be(each, address, row, name)), "")
    return Unknown(f"what tmux tells of a pane that may be its own cannot be read: {unread}") if unread else None


def _moved(row: SessionRow | None, live: _Live) -> Pane | None:
    """The recorded pane with the recorded process in another session: ids belong to one life of the server.

    In the session of the recorded name nobody moved it: there the tags were taken off, and it is not ours any more.
    """
    if row is None or row.pane is None or row.server is None or row.server.pid != live.server_pid:
        return None
    pane = live.by_id.get(row.pane.id)
    if pane is None or pane.pid != row.pane.pid or pane.dead or pane.session == row.session:
        return None
    is_ours = pane.session in live.by_address.get(pane.address, ())
    host = pane if is_ours else replace(pane, lineage="", address="")
    return replace(host, conversation="")  # its tags are those of the session


def _may_be(unread: UnreadablePane, address: Address, row: SessionRow | None, name: str) -> bool:
    recorded = row.pane.id if row and row.pane else ""
    names = {unread.address: str(address), unread.session: name, unread.pane_id: recorded}
    return not unread.session_id or any(said and said == meant for said, meant in names.items())


def _is_guest(address: Address, pane: Observed[Pane], live: _Live) -> bool:
    """True when more than the agent would end with its session: that is another one, or another agent is in it, too."""
    if not isinstance(pane, Present) or not pane.value.pane_id:
        return False
    if pane.value.session not in live.by_address.get(str(address), ()):
        return True
    panes = live.by_session[pane.value.session]
    return len(panes) > 1 and any(live.agents.get(each.pane_id, address) != address for each in panes)


def _agent_pane(panes: tuple[Pane, ...], row: SessionRow | None, server_pid: int) -> Pane:
    """The recorded pane, as long as this is the same life of the server; else the oldest one.

    A recorded pane that is gone while its session lives on means that the agent has ended: it is then a dead pane
    without id.
    """
    if row is None or row.pane is None or row.server is None or row.server.pid != server_pid:
        return _oldest(panes)
    recorded_id = row.pane.id
    recorded = next((pane for pane in panes if pane.pane_id == recorded_id), None)
    return recorded or replace(_oldest(panes), dead=True, pane_id="", pid=0)


def _oldest(panes: tuple[Pane, ...]) -> Pane:
    """The pane that its session began with, as far as it is still there."""
    return min(panes, key=lambda pane: int(pane.pane_id.lstrip("%") or 0)) if len(panes) > 1 else panes[0]


def _squatter(name: str, address: Address, own: Observed[Pane], live: _Live) -> Pane | None:
    panes = live.by_session.get(name)
    is_own = isinstance(own, Present) and (own.value.session == name or name in live.by_address.get(str(address), ()))
    return _oldest(panes) if panes and not is_own else None


def _adoptee(name: str | None, live: _Live) -> Pane | None:
    panes = live.by_session.get(name) if name else None
    return _oldest(panes) if panes else None


def _rows_by_address(rows: Iterable[SessionRow], wanted: Mapping[Address, Agent]) -> dict[Address, SessionRow]:
    """One row an address; when a hand has made two, the one under the wanted name, then a running one."""
    chosen: dict[Address, SessionRow] = {}
    for row in rows:
        address = row.address
        other = chosen.get(address)
        if other is None or _rank(row, wanted) > _rank(other, wanted):
            chosen[address] = row
    return chosen


def _rank(row: SessionRow, wanted: Mapping[Address, Agent]) -> tuple[bool, bool]:
    spec = wanted.get(row.address)
    return (spec is not None and spec.session == row.session, row.status is Status.RUNNING)
