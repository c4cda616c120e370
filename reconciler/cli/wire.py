"""The one place where the concrete parts meet: files become sources, sources a plan, a plan work."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.agents.catalogue import BUILT_IN, catalogue, installed
from reconciler.kinds.agent.case import Case, Wish, cases
from reconciler.manifest import Loaded, Source, Surroundings, load, remembered
from reconciler.model.action import Action
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Desired, RunState, Socket
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.errors import InvalidManifest, ReconcilerError, UsageError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.record import Json, Record, Status
from reconciler.model.snapshot import Snapshot
from reconciler.observe import Caller, Question, observe, recorded_as_live
from reconciler.plan.diff import Sources, diff
from reconciler.plan.scope import EVERYTHING, Scope, narrowed_to, without
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import RealTmux
from reconciler.ports.world import World
from reconciler.render.shape import OptionsDoc
from reconciler.state.cache import recall, remember
from reconciler.state.registry import Registry, Stored, read

if TYPE_CHECKING:
    from reconciler.broker.process import Machine
    from reconciler.broker.real import RealBrokers
    from reconciler.model.broker import Broker, Survey
    from reconciler.model.observed import Observed
    from reconciler.model.stored import StoredConversation
    from reconciler.state.lock import Lock

_MARKS = ("reconciler.yaml", "manifests", ".hermes")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Project:
    """One project on this machine, with the doors that everything about it goes through."""

    root: str
    registry_path: str
    env: Mapping[str, str] = field(repr=False)
    files: RealFiles = field(default_factory=RealFiles)
    processes: RealProcesses = field(default_factory=RealProcesses)
    clock: RealClock = field(default_factory=RealClock)

    @property
    def state(self) -> str:
        """The folder of the registry, the lock and the caches."""
        return os.path.dirname(self.registry_path)

    @property
    def kept(self) -> str:
        """The folder for copies of conversations that a CLI may lose."""
        return os.path.join(self.state, "kept")

    @property
    def history(self) -> str:
        """The file that keeps what was done to each agent."""
        return os.path.join(self.state, "history.jsonl")

    @property
    def home(self) -> str:
        """The user's home folder."""
        return self.env.get("HOME") or os.path.expanduser("~")

    @cached_property
    def registry(self) -> Registry:
        """The registry file."""
        return Registry(self.registry_path, os.path.join(self.state, "cache", "registry"), self.files)

    @property
    def lock(self) -> Lock:
        """The project's lock."""
        from reconciler.state.lock import Lock  # a plan seldom needs it, and start-up is felt

        return Lock(self.state, self.processes, self.clock)

    def attaching(self, declared: Socket, session: str) -> list[str]:
        """The command that attaches a terminal to a session, from inside tmux too."""
        return RealTmux(self.socket(declared), self.env).attaching(session)

    def now(self) -> datetime:
        """The current moment, in UTC."""
        return self.clock.now()

    @cached_property
    def brokers(self) -> _Brokers:
        """The brokers of this machine."""
        cache = os.path.join(self.state, "cache", f"brokers-{__version__}")
        return _Brokers(self.processes, self.clock, self.env.get("PATH", ""), cache)

    def world(self, socket: Socket) -> World:
        """All doors, with the tmux server that the manifests name."""
        return World(RealTmux(self.socket(socket), self.env), self.processes, self.files, self.clock, self.brokers)

    def socket(self, declared: Socket) -> Socket:
        """The declared tmux server, else the one that $TMUX_SERVER_NAME names, else the default one."""
        return declared if declared.name or declared.path else Socket(name=self.env.get("TMUX_SERVER_NAME", ""))


@dataclass(frozen=True)
class _Brokers:
    """The brokers of this machine.

    What judges them takes a quarter of a second to load, so one that is in order is recognised without it.
    """

    processes: RealProcesses
    clock: RealClock
    path: str
    cache: str
    recognised: set[Address] = field(default_factory=set)

    @cached_property
    def real(self) -> RealBrokers:
        """What judges and changes them."""
        from reconciler.broker.real import RealBrokers

        return RealBrokers(self.machine, self.path)

    @cached_property
    def machine(self) -> Machine:
        """The doors to processes and time."""
        from reconciler.broker.process import Machine

        return Machine(self.processes, self.clock)

    def survey(self, broker: Broker) -> Observed[Survey]:
        """How a broker is, held against what is declared of it."""
        from reconciler.broker.recognise import mark, recognised

        known = recognised(recall(self.cache, mark(broker, self.path, self.machine)), broker, self.machine)
        if known is None:
            return self.real.survey(broker)
        self.recognised.add(broker.address)
        return Present(known)

    def converge(self, address: Address) -> None:
        """Give a surveyed broker its files, and see that it works with them."""
        self.real.converge(address)

    def process(self, directory: str) -> Observed[int]:
        """The pid of the broker that was started on the files in this directory, if it runs."""
        from reconciler.broker.process import pid_of

        return pid_of(directory, self.processes)

    def stop(self, directory: str) -> None:
        """End the broker that was started on the files in this directory, if it runs; the files stay."""
        from reconciler.broker.process import stop

        stop(directory, self.machine)

    def remember(self, broker: Broker) -> None:
        """Let the next plan recognise a broker that is in order."""
        from reconciler.broker.recognise import mark

        if broker.address in self.recognised:
            return
        before = mark(broker, self.path, self.machine)
        with suppress(ReconcilerError):
            memory = self.real.memory(broker)
            # the same before and after: what was judged in between is what is remembered
            if memory and before and mark(broker, self.path, self.machine) == before:
                remember(self.cache, before, memory.document())


def project(root: str, registry: str) -> Project:
    """The project at `root`, or the nearest one upward from here."""
    if root and not os.path.isdir(root):
        raise UsageError(f"{root} is not a folder", fix="give -C the folder of your project")
    found = os.path.abspath(root) if root else _nearest(os.getcwd())
    path = os.path.join(found, registry or os.path.join(".hermes", "agent-sessions.yaml"))
    return Project(found, os.path.abspath(path), dict(os.environ))


def _nearest(start: str) -> str:
    folder = start
    while True:
        if any(os.path.exists(os.path.join(folder, mark)) for mark in _MARKS):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return start
        folder = parent


# --- manifests --------------------------------------------------------------------------------


def manifest_paths(at: Project, given: Sequence[str]) -> list[str]:
    """The manifests that are meant: those given (a folder stands for its *.yaml), else the project's own."""
    if given:
        return [path for each in given for path in _expanded(each)]
    own = [os.path.join(at.root, "reconciler.yaml")] if os.path.isfile(os.path.join(at.root, "reconciler.yaml")) else []
    folder = os.path.join(at.root, "manifests")
    return [*own, *(_yaml_files(folder) if os.path.isdir(folder) else [])]


def _expanded(path: str) -> list[str]:
    if os.path.isdir(path):
        return _yaml_files(path)
    return [os.path.abspath(path)]


def _yaml_files(folder: str) -> list[str]:
    return sorted(
        os.path.join(os.path.abspath(folder), name) for name in os.listdir(folder) if name.endswith((".yaml", ".yml"))
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """A manifest as it is and as it shall be: a block comes in (`new`), or one goes.

    `place` is where it stands, or will stand.
    """

    path: str
    before: bytes
    after: bytes
    address: Address
    place: Place
    new: str = ""


def load_manifests(at: Project, given: Sequence[str], edits: Iterable[Edit] = ()) -> Loaded:
    """What the manifests declare, once edited; InvalidManifest with all mistakes, UsageError when there is none."""
    edited = {edit.path: edit.after for edit in edits}
    paths = list(dict.fromkeys([*manifest_paths(at, given), *edited]))
    if not paths:
        raise UsageError(f"there is no manifest in {at.root}", fix="write one with `reconciler init`, or name it")
    sources = [Source(shown(path), edited[path]) if path in edited else read_manifest(at, path) for path in paths]
    around = Surroundings(at.root, at.home, at.env, os.path.basename(at.root))
    known = _known(at, sources)
    try:
        return load(sources, around, frozenset(BUILT_IN), known)
    except InvalidManifest:
        if not installed():
            raise
        # looking through all packages is slow: only a manifest that would be refused is worth it
        return load(sources, around, frozenset({*BUILT_IN, *installed()}), known)


def load_source(at: Project, source: Source) -> Loaded:
    """What one manifest declares that is at hand already; raises as `load_manifests`."""
    return load([source], Surroundings(at.root, at.home, at.env, os.path.basename(at.root)), frozenset(BUILT_IN))


def nothing_declared(at: Project) -> Desired:
    """What a project without manifests declares; status and show work there too."""
    return Desired(os.path.basename(at.root), Socket(), {}, {}, {}, "")


def _known(at: Project, sources: Sequence[Source]) -> dict[str, Json]:
    """What was remembered of those manifests that were checked before, by digest."""
    digests = (hashlib.sha256(source.data).hexdigest() for source in sources)
    found = {digest: recall(_manifest_cache(at), digest) for digest in digests}
    return {digest: content for digest, content in found.items() if content is not None}


def remember_looks(at: Project, loaded: Loaded) -> None:
    """Spare the next plan the parsing, and a close look at brokers. Only apply does this: a plan writes nothing."""
    for document in loaded.documents:
        if recall(_manifest_cache(at), document.digest) is None:
            remember(_manifest_cache(at), document.digest, remembered(document))
    for broker in loaded.desired.brokers.values():
        at.brokers.remember(broker)


def _manifest_cache(at: Project) -> str:
    return os.path.join(at.state, "cache", f"manifests-{__version__}")


def read_manifest(at: Project, path: str) -> Source:
    """The manifest as it is now; UsageError when there is none."""
    match at.files.read(path, 64 << 20):
        case Present(data):
            return Source(shown(path), data)
        case Absent():
            raise UsageError(f"{shown(path)} does not exist", fix="check the path")
        case Unknown(reason):
            raise ReconcilerError(f"{shown(path)} cannot be read", detail=reason)


def shown(path: str) -> str:
    """An absolute path as a user wants to read it."""
    return os.path.relpath(path) if path.startswith(os.getcwd()) else path


def recorded_addresses() -> list[str]:
    """All addresses in the registry of the project here; none when it cannot be read."""
    try:
        record = read(project("", os.environ.get("RECONCILER_REGISTRY", "")).registry).record
    except ReconcilerError:
        return []
    agents = [str(row.address) for row in record.sessions.values()]
    brokers = [str(row.address) for row in record.brokers.values()]
    return [*(f"workspace.{name}" for name in record.workspaces), *brokers, *agents]


# --- plans ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan shall be about, as the user said it.

    `states` and `conversations` stand in for what the manifest says of an agent, this one time.
    `edits` are written before the work begins. `woken` may start although they were put to rest by hand;
    `deletes` are ended and forgotten, with `purge` together with their conversations.
    """

    paths: tuple[str, ...] = ()
    targets: tuple[Address, ...] = ()
    exclude: tuple[Address, ...] = ()
    replace: tuple[Address, ...] = ()
    mode: Mode = Mode.NORMAL
    refresh: bool = True
    force: bool = False
    imports: Mapping[Address, str] = field(default_factory=dict)
    states: Mapping[Address, RunState] = field(default_factory=dict)
    conversations: Mapping[Address, str] = field(default_factory=dict)
    reason: str = ""
    edits: tuple[Edit, ...] = ()
    woken: frozenset[Address] = frozenset()
    deletes: frozenset[Address] = frozenset()
    purge: bool = False

    @property
    def by_hand(self) -> frozenset[Address]:
        """The agents that a command is about, whatever the manifests say of the others."""
        return frozenset((*self.imports, *self.states, *self.deletes))

    def document(self) -> OptionsDoc:
        """The request as a saved plan keeps it."""
        return {
            "mode": self.mode.value,
            "manifests": list(self.paths),
            "targets": [str(address) for address in self.targets],
            "exclude": [str(address) for address in self.exclude],
            "replace": [str(address) for address in self.replace],
            "force": self.force,
        }


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with everything it was made from."""

    plan: Plan
    request: Request
    loaded: Loaded
    stored: Stored
    snapshot: Snapshot
    wish: Wish
    world: World


def make_plan(at: Project, request: Request, lineage: str = "") -> Planned:
    """Look at everything once and compare. Nothing is opened for writing."""
    # What is deleted is judged by the manifests that still declare it.
    loaded = load_manifests(at, request.paths, () if request.deletes else request.edits)
    stored = read(at.registry)
    desired = _as_requested(loaded.desired, request)
    profiles = catalogue(desired.agent_types.values())
    world = at.world(desired.socket)
    wish = _wish(at, request, stored.record, lineage)
    question = Question(
        desired, stored.record, profiles, wish, everyone=request.mode is Mode.REFRESH_ONLY or request.purge
    )
    snapshot = observe(question, world, Caller(at.home, at.env))
    if not request.refresh:
        snapshot = recorded_as_live(stored.record, snapshot)
    scope = scope_of(request, desired, stored.record)
    plan = diff(Sources(desired, stored.record, snapshot, profiles), wish, scope, request.mode)
    plan = replace(
        plan, diagnostics=(*plan.diagnostics, *agents_elsewhere(at, stored.record, at.socket(desired.socket)))
    )
    return Planned(plan, request, loaded, stored, snapshot, wish, world)


def proved(at: Project, planned: Planned, stored: Stored, action: Action) -> Observed[Drift]:
    """Which conversation an agent began that this plan has started, as `observe.proof` tells it."""
    from reconciler.observe.proof import proof

    desired = _as_requested(planned.loaded.desired, planned.request)
    question = Question(desired, stored.record, catalogue(desired.agent_types.values()), planned.wish)
    return proof(action, question, planned.snapshot, planned.world, Caller(at.home, at.env))


def _as_requested(desired: Desired, request: Request) -> Desired:
    """The manifests, but for what a command says of some agents."""
    if not request.states:
        return desired
    agents = dict(desired.agents)
    for address in request.states.keys() & agents.keys():
        spec = agents[address]
        resume = request.conversations.get(address, spec.resume)
        agents[address] = replace(spec, state=request.states[address], resume=resume)
    return replace(desired, agents=agents)


def agents_elsewhere(at: Project, record: Record, here: Socket) -> Iterator[Diagnostic]:
    """Agents of ours that still run on another tmux server than the manifests name now.

    Starting them here as well would put two processes into one conversation.
    """
    rows = [row for row in record.sessions.values() if row.managed and row.server and row.status is Status.RUNNING]
    for label in sorted({row.server.socket for row in rows if row.server} - {here.label}):
        socket = Socket(path=label) if "/" in label else Socket(name=label)
        live = at.world(socket).tmux.look()
        ours = sum(pane.lineage == record.lineage for pane in live.value.panes) if isinstance(live, Present) else 0
        if ours or isinstance(live, Unknown):
            agents = "1 agent still runs" if ours == 1 else f"{ours} agents still run"
            summary = f"{agents} on tmux server {label}" if ours else f"tmux server {label} could not be asked"
            detail = f"the registry says so; the manifests name {here.label} now"
            fix = "set `tmux:` back and `reconciler destroy`, or end those sessions, before you move"
            yield Diagnostic(Severity.ERROR, summary, detail, fix)


def _wish(at: Project, request: Request, record: Record, lineage: str) -> Wish:
    return Wish(
        lineage=record.lineage or lineage,
        now=at.now().strftime(TIME_FORMAT),
        force=request.force,
        destroy=request.mode is Mode.DESTROY,
        replace=frozenset(request.replace),
        imports=request.imports,
        reason=request.reason,
        woken=request.woken | {address for address, state in request.states.items() if state is RunState.RUNNING},
        deletes=request.deletes,
        purge=request.purge,
    )


def scope_of(request: Request, desired: Desired, record: Record) -> Scope:
    """The addresses that the plan is about; UsageError for one that exists nowhere."""
    if request.targets and request.exclude:
        raise UsageError("--target and --exclude exclude each other")
    recorded = {row.address for row in record.sessions.values()} | {row.address for row in record.brokers.values()}
    known = {*desired.workspaces, *desired.agents, *desired.brokers, *recorded}
    _expect_known(request, known)
    if request.by_hand:
        starting = (address for address, state in request.states.items() if state is RunState.RUNNING)
        return Scope(request.by_hand, needed=frozenset(workspace_address(each.workspace) for each in starting))
    if request.targets:
        return narrowed_to(request.targets, desired.agents)
    if request.exclude:
        return without(request.exclude, desired.agents)
    return EVERYTHING


def _expect_known(request: Request, known: set[Address]) -> None:
    for address in (*request.targets, *request.exclude, *request.replace, *request.by_hand):
        if address not in known and address.kind != "workspace":
            raise UsageError(f"there is no {address}", fix=_nearest_address(address, known))
    for address in request.replace:
        if address.kind == "broker":
            raise UsageError(f"{address} is no agent", fix="reconciler broker stop, then reconciler apply")


def _nearest_address(address: Address, known: set[Address]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(str(address), [str(each) for each in known], n=1)
    return f"did you mean {close[0]}?" if close else "`reconciler status` lists all addresses with --json"


def stored_conversations(at: Project, workspace: str) -> list[StoredConversation | Unknown]:
    """The conversations of all workspaces, or of the one that is named; UsageError when there is none such."""
    from reconciler.observe.conversations import conversations

    desired = load_manifests(at, ()).desired
    names = [each.workspace for each in desired.workspaces]
    if workspace and workspace not in names:
        raise UsageError(f"there is no workspace {workspace}", fix=f"there are: {', '.join(names) or 'none'}")
    agents = {address: spec for address, spec in desired.agents.items() if workspace in ("", address.workspace)}
    record = read(at.registry).record
    question = Question(replace(desired, agents=agents), record, catalogue(desired.agent_types.values()), Wish())
    caller = Caller(at.home, at.env)
    return list(conversations(question, Snapshot(), at.files, caller))


@dataclass(frozen=True, slots=True)
class Seen:
    """What status, show and unmanaged are made from."""

    desired: Desired
    stored: Stored
    snapshot: Snapshot
    cases: Mapping[Address, Case]


def look(at: Project, *, everyone: bool = True) -> Seen:
    """Look at all agents; a project without manifests has a registry at least."""
    desired = load_manifests(at, ()).desired if manifest_paths(at, ()) else nothing_declared(at)
    stored = read(at.registry)
    profiles = catalogue(desired.agent_types.values())
    wish = _wish(at, Request(), stored.record, "")
    # a survey of brokers is slow, and these commands tell nothing of them
    wanted, recorded = replace(desired, brokers={}), replace(stored.record, brokers={})
    question = Question(wanted, recorded, profiles, wish, everyone=everyone)
    snapshot = observe(question, at.world(desired.socket), Caller(at.home, at.env))
    return Seen(desired, stored, snapshot, cases(desired, stored.record, snapshot, profiles, wish))
