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
from reconciler.model.desired import Agent, Desired, RunState, Socket
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.errors import InvalidManifest, ReconcilerError, UsageError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.record import Json, Record, Status
from reconciler.model.snapshot import Snapshot
from reconciler.observe import HOOK_NOTES, Caller, Question, observe, recorded_as_live
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

from .finding import project_folder, registry_cache, registry_file
from .options import JOB_RECORDS

if TYPE_CHECKING:
    from reconciler.broker.process import Machine
    from reconciler.broker.real import RealBrokers
    from reconciler.model.broker import Broker, Survey
    from reconciler.model.generation import AgentThen
    from reconciler.model.observed import Observed
    from reconciler.model.stored import StoredConversation
    from reconciler.state.confirmation import Waiting
    from reconciler.state.generations import Store
    from reconciler.state.lock import Lock

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
        """The folder for copies of what would be lost otherwise: conversations, edited manifests."""
        return os.path.join(self.state, "kept")

    @property
    def history(self) -> str:
        """The file that keeps what was done to each agent."""
        return os.path.join(self.state, "history.jsonl")

    @property
    def generations(self) -> Store:
        """What is kept of every apply."""
        from reconciler.state.generations import Store  # a plan needs it seldom, and start-up is felt

        return Store(os.path.join(self.state, "history"), self.files)

    @property
    def waiting(self) -> Waiting:
        """The apply that waits for its confirmation, if one does."""
        from reconciler.state.confirmation import Waiting  # as above

        return Waiting(self.state, self.files, self.processes)

    @property
    def home(self) -> str:
        """The user's home folder."""
        return self.env.get("HOME") or os.path.expanduser("~")

    @property
    def caller(self) -> Caller:
        """Whoever runs the command, as `observe` wants to know it."""
        return Caller(self.home, self.env, os.path.join(self.root, JOB_RECORDS, HOOK_NOTES))

    @cached_property
    def registry(self) -> Registry:
        """The registry file."""
        return Registry(self.registry_path, registry_cache(self.registry_path), self.files)

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

    def world(self, socket: Socket, *, returning: bool = False) -> World:
        """All doors, with the tmux server that the manifests name; `returning` is as for the brokers."""
        brokers = replace(self.brokers, returning=True) if returning else self.brokers
        return World(RealTmux(self.socket(socket), self.env), self.processes, self.files, self.clock, brokers)

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
    returning: bool = False

    @cached_property
    def real(self) -> RealBrokers:
        """What judges and changes them."""
        from reconciler.broker.real import RealBrokers

        return RealBrokers(self.machine, self.path, self.returning)

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
    found = project_folder(root)
    return Project(found, registry_file(found, registry), dict(os.environ))


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


@dataclass(frozen=True, slots=True)
class Restore:
    """A whole manifest as it is, and as it was in an earlier generation: None when it did not exist.

    `mode` is what a file gets that is made for it. A copy of what would be lost goes to `kept`, when that is named.
    """

    path: str
    before: bytes
    after: bytes | None
    generation: int
    mode: int = 0o644
    kept: str = ""

    @property
    def change(self) -> str:
        """What becomes of the file: `create`, `update` or `delete`."""
        if self.after is None:
            return "delete"
        return "update" if os.path.lexists(self.path) else "create"


def manifest_sources(at: Project, given: Sequence[str], edits: Iterable[Edit | Restore] = ()) -> dict[str, Source]:
    """The manifests by their absolute paths, once edited; UsageError when there is none."""
    edited = {edit.path: edit.after for edit in edits}
    paths = dict.fromkeys([*manifest_paths(at, given), *edited])
    kept = [path for path in paths if edited.get(path, b"") is not None]
    if not kept:
        raise UsageError(f"there is no manifest in {at.root}", fix="write one with `reconciler init`, or name it")
    return {path: _source(at, path, edited.get(path)) for path in kept}


def _source(at: Project, path: str, edited: bytes | None) -> Source:
    return read_manifest(at, path) if edited is None else Source(shown(path), edited)


def load_manifests(at: Project, given: Sequence[str], edits: Iterable[Edit | Restore] = ()) -> Loaded:
    """What the manifests declare, once edited; InvalidManifest with all mistakes, UsageError when there is none."""
    return _loaded(at, list(manifest_sources(at, given, edits).values()))


def _loaded(at: Project, sources: Sequence[Source]) -> Loaded:
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


# --- plans ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Goal:
    """An earlier generation to go back to, and its agents as it left them: those that are missing did not run."""

    generation: int
    agents: Mapping[Address, AgentThen]

    @property
    def conversations(self) -> dict[Address, str]:
        """What each agent goes back to, as far as that was known."""
        return {address: then.conversation for address, then in self.agents.items() if then.conversation}

    @property
    def rested(self) -> frozenset[Address]:
        """The agents that a user had put to rest by hand."""
        return frozenset(address for address, then in self.agents.items() if then.by_hand)


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan shall be about, as the user said it.

    `states` and `conversations` stand in for what the manifest says of an agent, this one time; `goal` does so for
    all of them. `edits` are written before the work begins. `woken` may start although they were put to rest by
    hand; `deletes` are ended and forgotten, with `purge` together with their conversations. `operation` and `reason`
    are for the lock and the history; `automatic` says that nobody asked for it at this moment. With `closely`,
    agents are looked at although nothing is to be done about them.
    """

    paths: tuple[str, ...] = ()
    targets: tuple[Address, ...] = ()
    exclude: tuple[Address, ...] = ()
    replace: tuple[Address, ...] = ()
    mode: Mode = Mode.NORMAL
    refresh: bool = True
    closely: bool = False
    force: bool = False
    imports: Mapping[Address, str] = field(default_factory=dict)
    states: Mapping[Address, RunState] = field(default_factory=dict)
    conversations: Mapping[Address, str] = field(default_factory=dict)
    goal: Goal | None = None
    operation: str = "apply"
    reason: str = ""
    automatic: bool = False
    edits: tuple[Edit | Restore, ...] = ()
    woken: frozenset[Address] = frozenset()
    deletes: frozenset[Address] = frozenset()
    purge: bool = False

    @property
    def follows_manifests(self) -> bool:
        """Whether it makes the world as manifests say, and not as a command says of some agents."""
        return not self.states and not self.imports and self.mode is not Mode.REFRESH_ONLY

    @property
    def goes_back(self) -> bool:
        """Whether an earlier generation is wanted again."""
        return self.operation == "rollback"

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
    """A plan with everything it was made from; `sources` are the manifests by their absolute paths."""

    plan: Plan
    request: Request
    sources: Mapping[str, Source]
    loaded: Loaded
    stored: Stored
    snapshot: Snapshot
    wish: Wish
    world: World


def make_plan(at: Project, request: Request, lineage: str = "") -> Planned:
    """Look at everything once and compare. Nothing is opened for writing."""
    # What is deleted is judged by the manifests that still declare it.
    sources = manifest_sources(at, request.paths, () if request.deletes else request.edits)
    loaded = _loaded(at, list(sources.values()))
    stored = read(at.registry)
    desired = _as_requested(loaded.desired, request)
    profiles = catalogue(desired.agent_types.values())
    world = at.world(desired.socket, returning=request.goes_back)
    wish = _wish(at, request, stored.record, lineage)
    everyone = request.closely or request.purge or request.mode is Mode.REFRESH_ONLY
    question = Question(desired, stored.record, profiles, wish, everyone)
    snapshot = observe(question, world, at.caller)
    if not request.refresh:
        snapshot = recorded_as_live(stored.record, snapshot)
    scope = scope_of(request, desired, stored.record)
    plan = diff(Sources(desired, stored.record, snapshot, profiles), wish, scope, request.mode)
    elsewhere = _agents_elsewhere(at, stored.record, at.socket(desired.socket))
    said = (*plan.diagnostics, *elsewhere, *(() if request.goes_back else unconfirmed(at)))
    plan = replace(plan, diagnostics=said, registry=shown(at.registry_path))
    return Planned(plan, request, sources, loaded, stored, snapshot, wish, world)


def unconfirmed(at: Project) -> tuple[Diagnostic, ...]:
    """What has to be said of an apply that waits for its confirmation."""
    if not os.path.lexists(os.path.join(at.state, "confirm.json")):
        return ()
    from reconciler.state.confirmation import told  # seldom needed, and start-up is felt

    return told(at.waiting)


def proved(at: Project, planned: Planned, stored: Stored, action: Action) -> Observed[Drift]:
    """Which conversation an agent began that this plan has started, as `observe.proof` tells it."""
    from reconciler.observe.proof import proof

    desired = _as_requested(planned.loaded.desired, planned.request)
    question = Question(desired, stored.record, catalogue(desired.agent_types.values()), planned.wish)
    return proof(action, question, planned.snapshot, planned.world, at.caller)


def _as_requested(desired: Desired, request: Request) -> Desired:
    """The manifests, but for what a command says of some agents."""
    if request.goal is not None:
        return _as_it_was(desired, request.goal)
    if not request.states:
        return desired
    agents = dict(desired.agents)
    for address in request.states.keys() & agents.keys():
        spec = agents[address]
        resume = request.conversations.get(address, spec.resume)
        agents[address] = replace(spec, state=request.states[address], resume=resume)
    return replace(desired, agents=agents)


def _as_it_was(desired: Desired, goal: Goal) -> Desired:
    """The manifests, but that only those agents run that ran then."""
    agents = {address: replace(spec, state=_state(spec, goal)) for address, spec in desired.agents.items()}
    return replace(desired, agents=agents)


def _state(spec: Agent, goal: Goal) -> RunState:
    then = goal.agents.get(spec.address)
    if then is None:
        return RunState.STOPPED if spec.state is RunState.RUNNING else spec.state
    if then.status in {Status.STOPPED, Status.ARCHIVED}:
        return RunState(then.status)
    return RunState.RUNNING


def _agents_elsewhere(at: Project, record: Record, here: Socket) -> Iterator[Diagnostic]:
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
        rested=_rested(request),
        woken=_woken(request),
        goal=request.goal.conversations if request.goal else {},
        deletes=request.deletes,
        purge=request.purge,
    )


def _rested(request: Request) -> frozenset[Address]:
    by_hand = {address for address, state in request.states.items() if state is not RunState.RUNNING}
    return request.goal.rested if request.goal else frozenset(by_hand)


def _woken(request: Request) -> frozenset[Address]:
    by_hand = {address for address, state in request.states.items() if state is RunState.RUNNING}
    return request.woken | (request.goal.agents.keys() if request.goal else by_hand)


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
    return list(conversations(question, Snapshot(), at.files, at.caller))


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
    snapshot = observe(question, at.world(desired.socket), at.caller)
    return Seen(desired, stored, snapshot, cases(desired, stored.record, snapshot, profiles, wish))
