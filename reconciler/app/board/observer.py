"""Look at one project again and again, for the board.

What the CLIs report themselves comes from the cache of the monitor's observer. Screens are read where only they show
the state, and again only when something was printed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.agents.look import ProjectView
from reconciler.app.board.open_jobs import OpenJobs
from reconciler.app.monitor.observer import ProjectObserver, server_of
from reconciler.app.project.manifests import manifest_paths
from reconciler.app.project.project import Project
from reconciler.kinds.agent.case import Case
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.address import Address
from reconciler.model.job import Job
from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Pane, Server, Snapshot
from reconciler.monitor.trigger import WatchedPaths
from reconciler.observe import SnapshotRequest, observe_cases
from reconciler.observe.live import with_screen
from reconciler.ports.world import World

_UNSURE = {Activity.UNKNOWN, Activity.IDLE}
_SETTLES = 2  # seconds: tmux tells the time of the last output in whole seconds, so a screen may change within one


class BoardLook(Struct, frozen=True):
    """One look at a project. Its view has what the CLIs report themselves, without what screens show."""

    view: ProjectView
    server: Observed[Server]
    paths: WatchedPaths
    jobs: dict[str, Job]
    """By session, the newest job that has not ended."""
    unsure: tuple[Address, ...] = ()
    """The agents of which only the screen shows what they do."""


class _ReadScreen(Struct, frozen=True):
    """What a screen showed, and the moment of the last output before it was read."""

    pane: tuple[str, int]
    """The id of the pane and its process."""
    printed: int
    live: LiveAgent
    final: bool
    """False if the screen was read so soon after the output that it may have changed within the same second."""


@dataclass(slots=True)
class BoardObserver:
    """Looks at a project again and again; see above."""

    at: Project
    _observer: ProjectObserver = field(init=False)
    _jobs: OpenJobs = field(init=False)
    _screens: dict[Address, _ReadScreen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._observer = ProjectObserver(self.at)
        self._jobs = OpenJobs(self.at)

    def look(self) -> BoardLook:
        """Look once; tmux is asked once, and no screen is read. Raises ReconcilerError if the files cannot be used."""
        observer, at = self._observer, self.at
        # looking at brokers is slow, and the board does not show them
        declared, stored = observer.desired, observer.stored
        desired, record = replace(declared, brokers={}), replace(stored.record, brokers={})
        profiles, options = observer.profiles(declared), observer.plan_options(stored)
        question = SnapshotRequest(desired, record, profiles, options, everyone=True, cache=observer.recall)
        snapshot, found = observe_cases(question, at.world(desired.socket), at.caller)
        return BoardLook(
            view=ProjectView(desired, stored, snapshot, found, bool(manifest_paths(at, ()))),
            server=server_of(snapshot),
            paths=observer.watched(desired, found, snapshot, at.caller),
            jobs=self._jobs.by_session(),
            unsure=tuple(_unsure(found, snapshot)),
        )

    def unread(self, look: BoardLook) -> list[Address]:
        """The agents whose screens must be read, because something was printed since they were read last."""
        return [address for address in look.unsure if not self._is_current(look, address)]

    def read_screens(self, look: BoardLook, agents: Iterable[Address]) -> None:
        """Read the screens of these agents. Raises ReconcilerError if tmux does not answer."""
        world = self.at.world(look.view.desired.socket)
        for address in agents:
            self._screens[address] = self._read(look, address, world)

    def with_screens(self, look: BoardLook) -> ProjectView:
        """The view of a look, with the states that screens showed."""
        snapshot = look.view.snapshot
        read = {address: self._screens[address].live for address in look.unsure if address in self._screens}
        agents = {**snapshot.agents, **read}
        return replace(look.view, snapshot=replace(snapshot, agents=agents)) if read else look.view

    def _is_current(self, look: BoardLook, address: Address) -> bool:
        read, pane = self._screens.get(address), look.view.cases[address].pane
        if read is None or not isinstance(pane, Present):
            return False
        printed = _printed(pane.value, look.view.snapshot)
        return read.final and read.pane == (pane.value.pane_id, pane.value.pid) and read.printed == printed

    def _read(self, look: BoardLook, address: Address, world: World) -> _ReadScreen:
        case, snapshot = look.view.cases[address], look.view.snapshot
        own = snapshot.agents.get(address, LiveAgent())
        if not isinstance(case.pane, Present) or case.profile is None:
            return _ReadScreen(("", 0), 0, own, final=False)
        pane, began = case.pane.value, self.at.now().timestamp()
        live, printed = with_screen(own, pane, case.profile, world), _printed(pane, snapshot)
        return _ReadScreen((pane.pane_id, pane.pid), printed, live, final=began - printed > _SETTLES)


def _unsure(found: Mapping[Address, Case], snapshot: Snapshot) -> Iterator[Address]:
    """The agents of which only the screen shows what they do: CLIs may report idle behind a dialog."""
    for address, case in found.items():
        own = snapshot.agents.get(address, LiveAgent())
        if case.profile and case.profile.display.reads_screens and own.activity in _UNSURE and _is_alive(case):
            yield address


def _is_alive(case: Case) -> bool:
    return isinstance(case.pane, Present) and not case.pane.value.dead


def _printed(pane: Pane, snapshot: Snapshot) -> int:
    """When something was last printed in the window of the pane, in Unix seconds."""
    return snapshot.tmux.value.last_output.get(pane.pane_id, 0) if isinstance(snapshot.tmux, Present) else 0
