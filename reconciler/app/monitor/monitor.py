"""The work of the monitor command: what it looks at, what it tells, and when it ends."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from reconciler.agents.catalogue import catalogue
from reconciler.agents.profile import Profile
from reconciler.app.monitor.subscription import Hearing, subscribed
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.fences import MONITOR_STATE, fence_monitor
from reconciler.app.project.manifests import (
    broker_of,
    load_manifests,
    manifest_paths,
    nothing_declared,
    recorded_socket,
)
from reconciler.app.project.project import TIME_FORMAT, Project
from reconciler.app.project.warnings import copied
from reconciler.kinds.agent.case import Case, Wish
from reconciler.kinds.agent.status import AgentStatus, statuses
from reconciler.model.address import Address
from reconciler.model.desired import Desired
from reconciler.model.errors import LockHeld
from reconciler.model.exit_code import ExitCode
from reconciler.model.observed import Observed, Present
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Identity, RowEdit, Status
from reconciler.model.snapshot import Activity, Server, Snapshot
from reconciler.model.watch import AgentSight, Pass
from reconciler.monitor.look import Look
from reconciler.monitor.loop import Passes, Scene
from reconciler.monitor.notebook import Notebook
from reconciler.monitor.run import Clause, Rhythm, told, watch
from reconciler.monitor.sink import Sink
from reconciler.monitor.sinks.catalogue import Around, Wanted, sinks
from reconciler.monitor.sinks.stdout import Form, Stdout, Streams
from reconciler.monitor.subscribe import Shelf, notes
from reconciler.monitor.wake import Places, Wake
from reconciler.observe import Caller, Question, observe
from reconciler.observe.recall import Recall
from reconciler.observe.traces import Traces, traces
from reconciler.plan.diff import Sources, compared
from reconciler.plan.scope import EVERYTHING
from reconciler.ports.tmux import Bell, RealTmux
from reconciler.render.terminal import show
from reconciler.state.lock import Lock, hold, status
from reconciler.state.lock import told as holder_told
from reconciler.state.registry import Stored, read

_STATUSES = {str(status): status for status in Status}


@dataclass(frozen=True, slots=True)
class Manner:
    """How the monitor goes about it; lengths of time are in seconds, 0 for none."""

    once: bool = False
    emit_diff: bool = False
    dry_run: bool = False
    interval: float = 0.0
    timeout: float = 0.0
    hearing: Hearing | None = None
    as_json: bool = False
    others: Wanted = field(default_factory=Wanted)

    @property
    def form(self) -> Form:
        """How news are printed."""
        if self.emit_diff:
            return Form.DOCUMENT if self.once else Form.DOCUMENTS
        return Form.LINES if self.as_json else Form.TEXT


# --- looking ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Eyes:
    """Looks at a project again and again; what it has read is not read again while its files are the same.

    With a `shelf`, the registry follows the jobs on it.
    """

    at: Project
    shelf: Shelf | None = None
    _desired: tuple[object, Desired] | None = None
    _stored: tuple[object, Stored] | None = None
    _profiles: tuple[Desired, Mapping[str, Profile]] | None = None
    _traces: tuple[object, Traces] | None = None
    _recall: Recall = field(default_factory=Recall)

    @property
    def desired(self) -> Desired:
        """What the manifests declare; nothing when there is none. Raises InvalidManifest."""
        paths = manifest_paths(self.at, ())
        mark = [(path, _mark(path)) for path in paths] if paths else recorded_socket(self.at, self.stored.record)
        if self._desired is None or self._desired[0] != mark:
            declared = load_manifests(self.at, ()).desired if paths else nothing_declared(self.at, self.stored.record)
            self._desired = mark, declared
        return self._desired[1]

    @property
    def stored(self) -> Stored:
        """The registry. Raises RegistryUnreadable."""
        mark = _mark(self.at.registry_path)
        if self._stored is None or self._stored[0] != mark or mark is None:
            self._stored = mark, read(self.at.registry)
        return self._stored[1]

    def look(self) -> Look:
        """One look, compared; tmux is asked once. Raises ReconcilerError when the files cannot be used."""
        desired, stored = self.desired, self.stored
        profiles, wish = self._types(desired), self._wish(stored)
        world, caller = self.at.world(desired.socket), self.at.caller
        question = Question(desired, stored.record, profiles, wish, everyone=True, glance=self._recall)
        snapshot = observe(question, world, caller)
        sources = Sources(desired, stored.record, snapshot, profiles)
        found = sources.cases(wish)
        plan = compared(found, sources, wish, EVERYTHING, Mode.REFRESH_ONLY)
        return Look(
            stored,
            _server(snapshot),
            tuple(drift for drift in plan.found if not drift.silent),
            tuple(_recorded(statuses(found, stored.record, snapshot))),
            (*copied(self.at, stored), *plan.diagnostics),
            notes=(*self._noted(stored, wish), *_silently(plan)),
            places=self._places(desired, found, snapshot, caller),
            accepted=tuple(each.drift for each in plan.accepted),
        )

    def _noted(self, stored: Stored, wish: Wish) -> Iterator[RowEdit]:
        """What jobs say of their agents."""
        yield from notes(self.shelf.jobs(), stored.record, wish.now) if self.shelf else ()

    def _types(self, desired: Desired) -> Mapping[str, Profile]:
        """The same ones as long as the manifests are: what is recalled is about them, too."""
        if self._profiles is None or self._profiles[0] is not desired:
            self._profiles = desired, catalogue(desired.agent_types.values())
        return self._profiles[1]

    def _wish(self, stored: Stored) -> Wish:
        return Wish(lineage=stored.record.lineage, now=self.at.now().strftime(TIME_FORMAT))

    def _places(self, desired: Desired, found: dict[Address, Case], snapshot: Snapshot, caller: Caller) -> Places:
        """Looked up anew only when other agents run, or in other conversations."""
        mark = list(_running(found.values()))
        if self._traces is None or self._traces[0] != mark:
            self._traces = mark, traces(found.values(), snapshot, self.at.files, caller)
        found_in = self._traces[1]
        door = RealTmux(self.at.socket(desired.socket), self.at.env).door
        own = frozenset({self.at.registry_path, door, *manifest_paths(self.at, ())})
        return Places(own, found_in.notes | {os.path.join(self.at.root, "manifests")}, found_in.stores)


def _silently(plan: Plan) -> Iterator[RowEdit]:
    return (edit for drift in plan.found if drift.silent for edit in drift.edits)


def _mark(path: str) -> tuple[int, int, int] | None:
    """What is another with every write of a file; None without one."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _running(found: Iterable[Case]) -> Iterator[tuple[Address, Identity, int]]:
    for case in found:
        if isinstance(case.pane, Present) and not case.pane.value.dead:
            yield case.address, case.identity, case.pane.value.pid


def _server(snapshot: Snapshot) -> Observed[Server]:
    match snapshot.tmux:
        case Present(tmux):
            return Present(tmux.server)
        case other:
            return other


def _recorded(agents: Iterable[AgentStatus]) -> Iterator[AgentSight]:
    for each in agents:
        if each.status in _STATUSES:
            activity = Activity(each.state) if each.state else Activity.UNKNOWN
            status = _STATUSES[each.status]
            yield AgentSight(each.address, each.session, each.type, status, each.live, activity, each.conversation)


# --- watching ---------------------------------------------------------------------------------


def monitor(at: Project, manner: Manner) -> int:
    """Watch the project as it is wished; the exit code tells how it ended."""
    if not manner.dry_run:
        refuse_copy(at)
    shelf = Shelf(manner.hearing.records) if manner.hearing else None
    eyes = Eyes(at, shelf)
    passes = Passes(Scene(eyes.look, at.registry, at.lock, _notebook(at), at.clock, dry_run=manner.dry_run))
    with _told(_everybody(at, manner, eyes)) as everybody:
        return _once(at, passes, everybody) if manner.once else _on_and_on(eyes, manner, passes, everybody)


def _on_and_on(eyes: Eyes, manner: Manner, passes: Passes, everybody: Sequence[Sink]) -> int:
    at = eyes.at
    with ExitStack() as stack:
        if not manner.dry_run:
            stack.enter_context(_alone(at))
        wake = Wake(at.clock, bell=None if manner.dry_run else _bell(at, eyes.desired))
        stack.callback(wake.close)
        signals = stack.enter_context(_signals(wake.ring.ring))
        clauses: list[Clause] = [_Limit(at, manner.timeout, signals)]
        if manner.hearing and eyes.shelf:
            heard = subscribed(at, manner.hearing, eyes.shelf, eyes.desired, wake.ring.ring)
            clauses.append(stack.enter_context(heard))
        reason = watch(passes, wake, everybody, Rhythm(manner.interval, clauses, partial(_complain, at)))
    _complain(at, f"The monitor ends: {reason}.")
    return ExitCode.INTERRUPTED if signal.SIGINT in signals else ExitCode.OK


def _once(at: Project, passes: Passes, sinks: Sequence[Sink]) -> int:
    step = passes.next()
    if step.busy:
        raise step.busy
    told(passes, step.seen, sinks, partial(_complain, at))
    return ExitCode.OK if step.look and step.look.is_sure else ExitCode.ERROR


def _notebook(at: Project) -> Notebook:
    given = os.path.expanduser(at.env.get("AGENT_SESSIONS_STATE_DIR", ""))
    folder = os.path.normpath(os.path.join(at.root, given or MONITOR_STATE))
    if given:
        fence_monitor(folder)
    return Notebook(folder, at.files, at.clock)


@contextmanager
def _alone(at: Project) -> Iterator[None]:
    """One monitor a project; whoever died holds nothing."""
    lock = Lock(os.path.join(at.state, "monitor"), at.processes, at.clock)
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(lock, "watching"))
        except LockHeld as held:
            other = status(lock)
            who = holder_told(other.value.info, at.clock) if isinstance(other, Present) else "another process"
            fix = f"end that one, or look beside it with --once or --dry-run; its lock is {lock.path}"
            raise LockHeld(f"the project is monitored by {who}", fix=fix) from held
        yield


def _bell(at: Project, desired: Desired) -> Bell:
    return RealTmux(at.socket(desired.socket), at.env).bell(at.registry_path)


@dataclass(slots=True)
class _Limit:
    """The clause that every monitor has: a signal ends it, or its time is over."""

    at: Project
    seconds: float
    signals: Sequence[int]
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.at.clock.monotonic()

    def before(self) -> None:
        """Nothing comes before a pass."""

    def after(self, seen: Pass) -> None:
        """Nothing comes after one."""

    def due(self) -> float:
        """The end is not waited for any longer than it takes."""
        return self._began + self.seconds - self.at.clock.monotonic() if self.seconds else math.inf

    def reason(self) -> str:
        """Why it is time to end."""
        if self.signals:
            return signal.Signals(self.signals[0]).name
        return f"{self.seconds:g} s are over" if self.due() <= 0 else ""


@contextmanager
def _signals(ring: Callable[[], None]) -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM, which end the monitor after the pass; a second one ends it at once."""
    seen: list[int] = []

    def take(number: int, _frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        ring()

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- telling ----------------------------------------------------------------------------------


def _everybody(at: Project, manner: Manner, eyes: Eyes) -> Iterator[Sink]:
    """Standard output, and whom else the command line asks for. Raises UsageError for words that make no sense."""
    yield Stdout(Streams(sys.stdout, sys.stderr, at.env), manner.form)
    if manner.others != Wanted():
        notebook = None if manner.dry_run else _notebook(at)
        broker = broker_of(at, eyes.desired)
        around = Around(at.env, at.files, at.processes, at.clock, sys.stderr, broker, notebook)
        yield from sinks(manner.others, around)


@contextmanager
def _told(everybody: Iterable[Sink]) -> Iterator[Sequence[Sink]]:
    """Each gets its last words when the block ends, however it ends."""
    with ExitStack() as stack:
        made: list[Sink] = []
        for sink in everybody:
            made.append(sink)
            stack.callback(sink.close)
        yield made


def _complain(at: Project, words: str) -> None:
    show([words], sys.stderr, at.env)
    sys.stderr.flush()
