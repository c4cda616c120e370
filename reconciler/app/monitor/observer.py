"""Look at the whole project again and again, for the monitor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.agents.catalogue import catalogue
from reconciler.agents.profile import Profile
from reconciler.app.agents.look import ProjectView
from reconciler.app.monitor.budgets import BudgetWatch
from reconciler.app.project.manifests import load_manifests, manifest_paths, nothing_declared, recorded_socket
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry
from reconciler.kinds.agent.case import Case, PlanOptions
from reconciler.kinds.agent.status import AgentStatus, statuses
from reconciler.manifest import HOST_VALUES
from reconciler.model.activity import Activity
from reconciler.model.address import Address
from reconciler.model.desired import Desired
from reconciler.model.moment import to_second
from reconciler.model.observed import Observed, Present
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Identity, RowEdit, Status
from reconciler.model.snapshot import Server, Snapshot
from reconciler.model.watch import AgentObservation
from reconciler.monitor.observation import Observation
from reconciler.monitor.subscribe import JobRecordCache, notes
from reconciler.monitor.trigger import WatchedPaths
from reconciler.observe import Caller, SnapshotRequest, observe_cases
from reconciler.observe.cache import ObservationCache
from reconciler.observe.traces import Traces, traces
from reconciler.plan.diff import compare
from reconciler.plan.scope import EVERYTHING
from reconciler.plan.sources import Sources
from reconciler.ports.tmux import RealTmux
from reconciler.state.registry import StoredRegistry, read

_STATUSES = {str(status): status for status in Status}


@dataclass(slots=True)
class ProjectObserver:
    """Looks at a project again and again. Files are read again only if they changed.

    With `jobs`, the registry is updated from them.
    """

    at: Project
    jobs: JobRecordCache | None = None
    _desired: tuple[object, Desired] | None = None
    _stored: tuple[object, StoredRegistry] | None = None
    _profiles: tuple[Desired, Mapping[str, Profile]] | None = None
    _traces: tuple[object, Traces] | None = None
    recall: ObservationCache = field(default_factory=ObservationCache)
    _budgets: BudgetWatch = field(init=False)

    def __post_init__(self) -> None:
        self._budgets = BudgetWatch(self.at)

    @property
    def desired(self) -> Desired:
        """What the manifests declare; nothing if there are none. Raises InvalidManifest."""
        paths = manifest_paths(self.at, ())
        read_too = [*paths, os.path.join(self.at.root, HOST_VALUES)]
        mark = [(path, _mark(path)) for path in read_too] if paths else recorded_socket(self.at, self.stored.record)
        if self._desired is None or self._desired[0] != mark:
            declared = load_manifests(self.at, ()).desired if paths else nothing_declared(self.at, self.stored.record)
            self._desired = mark, declared
        return self._desired[1]

    @property
    def stored(self) -> StoredRegistry:
        """The registry. Raises RegistryUnreadable."""
        mark = _mark(self.at.registry_path)
        if self._stored is None or self._stored[0] != mark or mark is None:
            self._stored = mark, read(self.at.registry)
        return self._stored[1]

    def look(self) -> Observation:
        """Look once and compare; tmux is asked once. Raises ReconcilerError if the files cannot be used."""
        desired, stored = self.desired, self.stored
        profiles, options = self.profiles(desired), self.plan_options(stored)
        world, caller = self.at.world(desired.socket), self.at.caller
        question = SnapshotRequest(desired, stored.record, profiles, options, everyone=True, cache=self.recall)
        snapshot, found = observe_cases(question, world, caller)
        sources = Sources(desired, stored.record, snapshot, profiles)
        plan = compare(found, sources, options, EVERYTHING, Mode.REFRESH_ONLY)
        over, trouble = self._budgets.look(ProjectView(desired, stored, snapshot, found))
        return Observation(
            stored,
            server_of(snapshot),
            (*(drift for drift in plan.all_drift if not drift.silent), *over),
            tuple(_recorded(statuses(found, stored.record, snapshot))),
            (*about_registry(self.at, stored), *plan.diagnostics, *trouble),
            notes=(*self._noted(stored, options), *_silently(plan)),
            paths=self.watched(desired, found, snapshot, caller),
            accepted=tuple(each.drift for each in plan.accepted),
            socket=world.tmux.socket_path,
        )

    def _noted(self, stored: StoredRegistry, options: PlanOptions) -> Iterator[RowEdit]:
        """The notes of jobs for the registry rows of their agents."""
        yield from notes(self.jobs.jobs(), stored.record, options.now) if self.jobs else ()

    def profiles(self, desired: Desired) -> Mapping[str, Profile]:
        """The profiles. They stay the same objects while the manifests are unchanged, because caches refer to them."""
        if self._profiles is None or self._profiles[0] is not desired:
            self._profiles = desired, catalogue(desired.agent_types.values())
        return self._profiles[1]

    def plan_options(self, stored: StoredRegistry) -> PlanOptions:
        """The options of a look at this moment."""
        return PlanOptions(lineage=stored.record.lineage, now=to_second(self.at.now()))

    def watched(self, desired: Desired, found: dict[Address, Case], snapshot: Snapshot, caller: Caller) -> WatchedPaths:
        """The watched paths; they are looked up again only if other agents run, or use other conversations."""
        mark = list(_running(found.values()))
        if self._traces is None or self._traces[0] != mark:
            self._traces = mark, traces(found.values(), snapshot, self.at.files, caller)
        found_in = self._traces[1]
        path = RealTmux(self.at.socket(desired.socket), self.at.env).socket_path
        values = os.path.join(self.at.root, HOST_VALUES)
        own = frozenset({self.at.registry_path, path, values, *manifest_paths(self.at, ())})
        return WatchedPaths(own, found_in.notes | {os.path.join(self.at.root, "manifests")}, found_in.stores)


def _silently(plan: Plan) -> Iterator[RowEdit]:
    return (edit for drift in plan.all_drift if drift.silent for edit in drift.edits)


def _mark(path: str) -> tuple[int, int, int] | None:
    """A mark that changes with every write of a file; None if it does not exist."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _running(found: Iterable[Case]) -> Iterator[tuple[Address, Identity, int]]:
    for case in found:
        if isinstance(case.pane, Present) and not case.pane.value.dead:
            yield case.address, case.identity, case.pane.value.pid


def server_of(snapshot: Snapshot) -> Observed[Server]:
    """The tmux server of a look."""
    match snapshot.tmux:
        case Present(tmux):
            return Present(tmux.server)
        case other:
            return other


def _recorded(agents: Iterable[AgentStatus]) -> Iterator[AgentObservation]:
    for each in agents:
        if each.status in _STATUSES:
            activity = Activity(each.state) if each.state else Activity.UNKNOWN
            status = _STATUSES[each.status]
            yield AgentObservation(
                each.address, each.session, each.type, status, each.live, activity, each.conversation
            )
