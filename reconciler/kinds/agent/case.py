"""What is known about one agent: what is wanted, what is recorded, and its live pane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.agents.profile import Profile
from reconciler.model.action import Reason
from reconciler.model.address import Address
from reconciler.model.desired import Agent, Desired, EnvVar, RunState
from reconciler.model.diagnostic import Place
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import Identity, Record, SessionRow, StartedWith, Status
from reconciler.model.snapshot import Activity, Artifact, LiveAgent, Occupant, Pane, Snapshot, TmuxState
from reconciler.model.stored import Belongings

from .spec import Secrets, known_value, with_ignored, would_start_with


@dataclass(frozen=True, slots=True)
class Wish:
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


@dataclass(frozen=True, slots=True)
class Facts:
    """What has to be looked up once something is to be done about an agent.

    `unclaimed` are stored conversations that may be its own; `elsewhere` is the pid of a process
    outside its session that has its conversation, 0 for none. `untrusted` are the CLI's settings and
    the folder that is to be trusted in them; `doomed` are stored files that a start would delete. `belongings`
    is what is stored under its ids, and `holders` who has each conversation, when it is to be deleted. Its conversation
    began in the folder `moved_from`, where that is another one; `version` is that of its CLI then. The `occupant` is in
    the foreign session that has its name, or shall become its own. `away` is the folder of its CLI that is not there.
    """

    artifact: Observed[Artifact] = ABSENT
    live: LiveAgent = _SILENT
    executable: Observed[str] = ABSENT
    unclaimed: tuple[str, ...] = ()
    elsewhere: int = 0
    untrusted: tuple[str, str] | None = None
    belongings: Mapping[str, Observed[Belongings]] = field(default_factory=dict)
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    doomed: tuple[str, ...] = ()
    moved_from: str = ""
    version: str = ""
    occupant: Occupant = _NOBODY
    away: str = ""

    @property
    def in_use_because(self) -> tuple[Reason, str]:
        """Why an agent that is in use counts as such, with a clause for the user."""
        if self.live.activity is Activity.WAITING:
            return Reason.WAITING, "it waits at a permission prompt"
        if self.live.activity is Activity.UNKNOWN:
            return Reason.STATE_UNKNOWN, "nothing shows whether it is at work"
        return Reason.BUSY, "it is busy"


@dataclass(frozen=True, slots=True)
class Case:
    """One agent.

    `pane` is the agent's own pane, found by our tags; `squatter` is a foreign pane whose session has
    the wanted or recorded name, `adoptee` the pane that shall be imported. `wanted` is what a start now would
    record, None when nothing is wanted; `unset` are the variables that have no value now. `goal` is the
    conversation that it shall go back to, empty when it goes on in its own.
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


def settled(case: Case, wish: Wish) -> bool:
    """True when the agent runs exactly as wanted and recorded: the common case, and the cheap one."""
    spec, row = case.spec, case.row
    if spec is None or row is None or not isinstance(case.pane, Present) or spec.state is not RunState.RUNNING:
        return False
    if wish.destroy or case.goal or any(case.address in named for named in (wish.replace, wish.imports, wish.deletes)):
        return False
    live = case.pane.value
    return (
        not live.dead
        and live.session == row.session == spec.session
        and row.managed
        and row.protect == spec.protect
        and row.depends_on == tuple(map(str, spec.depends_on))
        and (row.started_with is None or row.started_with == case.wanted)
    )


def unidentified(case: Case) -> bool:
    """True when an agent's conversation, whose id its CLI chose itself, is not known yet."""
    profile = case.profile
    return profile is not None and profile.mints_id and not case.identity.session_id


def unbound(case: Case) -> bool:
    """True when such an agent runs: its process may tell."""
    return unidentified(case) and isinstance(case.pane, Present) and not case.pane.value.dead


@dataclass(frozen=True, slots=True)
class _Live:
    """The panes of a server, found by session name and by our tags."""

    by_session: Mapping[str, tuple[Pane, ...]]
    by_address: Mapping[str, tuple[str, ...]]
    server_pid: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What every case is put together from."""

    record: Record
    profiles: Mapping[str, Profile]
    secrets: Secrets
    live: _Live
    wish: Wish


def cases(
    desired: Desired, record: Record, snapshot: Snapshot, profiles: Mapping[str, Profile], wish: Wish
) -> dict[Address, Case]:
    """A case for every agent that is declared, or recorded as managed and not at rest."""
    known = _Known(record, profiles, snapshot.secrets, _index(snapshot.tmux, record.lineage), wish)
    rows = _rows_by_address(record.sessions.values(), desired.agents)
    found = {address: _declared(spec, rows.get(address), known) for address, spec in desired.agents.items()}
    for address, row in rows.items():
        gone = _at_rest(row, known.live) and address not in wish.deletes
        if address not in desired.agents and row.managed and not gone:
            found[address] = _undeclared(row, known)
    if isinstance(snapshot.tmux, Unknown):
        return {address: replace(case, pane=snapshot.tmux) for address, case in found.items()}
    return found


def with_strangers(
    found: Mapping[Address, Case], record: Record, snapshot: Snapshot, profiles: Mapping[str, Profile]
) -> dict[Address, Case]:
    """The cases, and those of recorded sessions that are not ours: found by themselves, or left by an older tool.

    They are known by their names alone, so they are good for telling, and for nothing that ends or starts.
    """
    if isinstance(snapshot.tmux, Unknown):
        return dict(found)
    known = {address: _left_behind(case) for address, case in found.items()}
    strangers = [row for row in record.sessions.values() if not row.managed and row.status is not Status.ARCHIVED]
    live = _index(snapshot.tmux if strangers else ABSENT, record.lineage)
    for row in strangers:
        if row.address in known:
            continue
        panes = live.by_session.get(row.session)
        pane = Present(_agent_pane(panes, row, live.server_pid)) if panes else ABSENT
        identity = record.identity(row.address, row)
        known[row.address] = Case(row.address, None, row, identity, profiles.get(row.type), pane)
    return known


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


def _declared(spec: Agent, row: SessionRow | None, known: _Known) -> Case:
    profile = known.profiles[spec.type]
    pane = _own_pane(spec.address, row, known.live, spec.session)
    lineage = known.wish.lineage or known.record.lineage
    wanted = would_start_with(spec, profile, known.secrets, lineage, row)
    return Case(
        spec.address,
        spec,
        row,
        known.record.identity(spec.address, row),
        profile,
        pane,
        _squatter(spec.session, pane, known.live),
        _adoptee(known.wish.imports.get(spec.address), known.live),
        with_ignored(wanted, row, spec.ignore),
        tuple(var for var in spec.env if known_value(var, known.secrets) is None),
        known.wish.goal.get(spec.address, ""),
    )


def _undeclared(row: SessionRow, known: _Known) -> Case:
    pane = _own_pane(row.address, row, known.live, row.session)
    profile, squatter = known.profiles.get(row.type), _squatter(row.session, pane, known.live)
    return Case(row.address, None, row, known.record.identity(row.address, row), profile, pane, squatter)


def _at_rest(row: SessionRow, live: _Live) -> bool:
    return row.status is Status.ARCHIVED and str(row.address) not in live.by_address


def _index(tmux: Observed[TmuxState], lineage: str) -> _Live:
    if not isinstance(tmux, Present):
        return _Live({}, {}, 0)
    sessions: dict[str, list[Pane]] = defaultdict(list)
    owned: dict[str, list[str]] = defaultdict(list)
    for pane in tmux.value.panes:
        sessions[pane.session].append(pane)
        if lineage and pane.lineage == lineage and pane.session not in owned[pane.address]:
            owned[pane.address].append(pane.session)
    by_session = {name: tuple(panes) for name, panes in sessions.items()}
    return _Live(by_session, {address: tuple(names) for address, names in owned.items()}, tmux.value.server.pid)


def _own_pane(address: Address, row: SessionRow | None, live: _Live, wanted_name: str) -> Observed[Pane]:
    """The pane of the session that carries our tags for this address."""
    names = live.by_address.get(str(address), ())
    if not names:
        return ABSENT
    if len(names) > 1 and wanted_name not in names:
        return Unknown(f"several sessions claim to be {address}: {', '.join(sorted(names))}")
    name = wanted_name if wanted_name in names else names[0]
    return Present(_agent_pane(live.by_session[name], row, live.server_pid))


def _agent_pane(panes: tuple[Pane, ...], row: SessionRow | None, server_pid: int) -> Pane:
    """The recorded pane, as long as this is the same life of the server; else the oldest one.

    A recorded pane that is gone while its session lives on means that the agent has ended.
    """
    oldest = min(panes, key=lambda pane: int(pane.pane_id.lstrip("%") or 0)) if len(panes) > 1 else panes[0]
    if row is None or row.pane is None or row.server is None or row.server.pid != server_pid:
        return oldest
    recorded_id = row.pane.id
    recorded = next((pane for pane in panes if pane.pane_id == recorded_id), None)
    return recorded or replace(oldest, dead=True)


def _squatter(name: str, own: Observed[Pane], live: _Live) -> Pane | None:
    panes = live.by_session.get(name)
    if not panes or (isinstance(own, Present) and own.value.session == name):
        return None
    return panes[0]


def _adoptee(name: str | None, live: _Live) -> Pane | None:
    panes = live.by_session.get(name) if name else None
    return panes[0] if panes else None


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
