"""Keep a board up to date: look after each event and after a slow poll, and report each new document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event, Lock, Thread

from reconciler.app.board.board import NOT_COUNTED, ProjectBoard, opened
from reconciler.app.board.members import BoardMember, BoardMembers
from reconciler.app.usage.today import TodaysCount
from reconciler.model.address import Address
from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed
from reconciler.model.snapshot import Server
from reconciler.monitor.trigger import PassTrigger, WatchedPaths
from reconciler.ports.clock import RealClock
from reconciler.ports.tmux import RealTmux, ServerEvents
from reconciler.ports.tmux.shared_look import SharedLooks
from reconciler.render.board import board_document
from reconciler.render.documents.board import BoardDoc

_SHARE = 40.0  # after a look, events wait for 40 times its cost: looks take at most a fortieth of a core
_OF_OTHERS = 3.0  # what a look costs in all, by what this thread works for it: tmux works, too
_LONGEST_PAUSE = 10.0  # seconds
_SHORTEST_POLL, _POLL_SHARE = 3.0, 200.0  # without events, looks take at most a two-hundredth of a core
_SCREENS = 50  # screens that are read before what they showed is reported

_SHORTEST_COUNT, _COUNT_SHARE = 10.0, 400.0  # the same for counting tokens
_NEW_PROJECTS = 3.0  # seconds between two looks for projects that came or went

Report = Callable[[BoardDoc], None]


class LiveBoard:
    """The board of some projects, in threads of its own. `report` gets each new document, in one of them.

    Each tmux server has one thread, which looks at it once for all projects on it.
    """

    def __init__(self, members: BoardMembers, report: Report) -> None:
        self._members = members
        self._report = report
        self._reporting = Lock()
        self._visible: Mapping[str, Sequence[Address]] = {}
        self._stop, self._facts_wanted, self._looked = Event(), Event(), Event()
        self._tokens = NOT_COUNTED
        self._clock = RealClock()
        self._watches: dict[str, ServerWatch] = {}
        self.projects: Mapping[str, ProjectBoard] = {}
        """By the path of their registry."""
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Begin to look. Raises ReconcilerError if it cannot be told which projects there are."""
        self._take(self._members.find())
        if not self.projects:
            self.publish()
        self._run(self._learn)
        if self._members.changes:
            self._run(self._follow)
        Thread(target=self._count, daemon=True).start()  # it only reads, and may be in the middle of a long file

    def close(self) -> None:
        """Stop looking: no tmux client is left, and no thread that looks at agents."""
        self._stop.set()
        self._facts_wanted.set()
        self._looked.set()
        self.look_again()
        for thread in self._threads:
            thread.join()

    def look_again(self) -> None:
        """Look now, without waiting for an event."""
        for watch in self.servers:
            watch.hurry()

    def show(self, agents: Iterable[tuple[str, Address]]) -> None:
        """These agents, each with the registry of its project, are visible: keep their slow facts up to date."""
        visible: dict[str, list[Address]] = {}
        for registry, address in agents:
            visible.setdefault(registry, []).append(address)
        if visible != self._visible:
            self._visible = visible
            self._facts_wanted.set()

    def visible_in(self, project: ProjectBoard) -> Sequence[Address]:
        """The visible agents of a project."""
        return self._visible.get(project.at.registry_path, ())

    @property
    def servers(self) -> list[ServerWatch]:
        """What looks at each tmux server."""
        return list(self._watches.values())

    @property
    def stopped(self) -> bool:
        """Whether looking should stop."""
        return self._stop.is_set()

    def publish(self) -> None:
        """Report the document of all projects that were looked at."""
        with self._reporting:
            seen = [each for each in self.projects.values() if each.was_looked_at]
            self._report(board_document([each.overview(self._tokens) for each in seen], self._members.damaged))

    def want_facts(self) -> None:
        """Check the slow facts of the visible agents."""
        self._looked.set()
        self._facts_wanted.set()

    def _run(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _learn(self) -> None:
        while not self._stop.is_set():
            self._facts_wanted.wait()
            self._facts_wanted.clear()
            for project in self.projects.values():
                for address in self.visible_in(project):
                    if self._stop.is_set():
                        return
                    if project.learn([address]):
                        self.publish()

    def _count(self) -> None:
        """Count what the agents used today, again and again."""
        today = TodaysCount()
        self._looked.wait()
        while not self._stop.is_set():
            began = self._clock.monotonic()
            tokens = today.count(opened(self.projects.values()))
            if tokens != self._tokens and not self._stop.is_set():
                self._tokens = tokens
                self.publish()
            took = self._clock.monotonic() - began
            self._stop.wait(max(_SHORTEST_COUNT, _COUNT_SHARE * took))

    # --- which projects ---------------------------------------------------------------------------

    def _follow(self) -> None:
        """Take in projects that are noted from now on, and drop those that are forgotten."""
        while not self._stop.wait(_NEW_PROJECTS):
            try:
                self._take(self._members.find())
            except ReconcilerError:
                continue  # what was found before is still shown

    def _take(self, members: Sequence[BoardMember]) -> None:
        known = self.projects
        if [id(each.member) for each in known.values()] == [id(each) for each in members]:
            return
        new = [server for server in dict.fromkeys(each.server for each in members) if server not in self._watches]
        self._watches |= {server: ServerWatch(server, self) for server in new}
        self.projects = {each.at.registry_path: self._board_of(each) for each in members}
        for server in new:
            self._run(self._watches[server].run)
        if known:
            self.publish()
            self.look_again()

    def _board_of(self, member: BoardMember) -> ProjectBoard:
        before = self.projects.get(member.at.registry_path)
        if before and before.member is member:
            return before
        return ProjectBoard(member, self._watches[member.server].looks)


class ServerWatch:
    """Looks at the projects on one tmux server after each event, and after a while without one."""

    def __init__(self, server: str, board: LiveBoard) -> None:
        self._server, self._board = server, board
        self.looks = SharedLooks()
        self._clock = RealClock()
        self._trigger = PassTrigger(self._clock, connect=_events)
        self._hurried = Event()

    @property
    def _projects(self) -> list[ProjectBoard]:
        return [each for each in self._board.projects.values() if each.member.server == self._server]

    def hurry(self) -> None:
        """Look at once."""
        self._hurried.set()
        self._trigger.wakeup.wake()

    def run(self) -> None:
        """Look until the board is closed."""
        try:
            while not self._board.stopped:
                self._hurried.clear()
                began, worked = self._clock.monotonic(), self._clock.processor_time()
                self.look()
                self._listen()
                took, work = self._clock.monotonic() - began, self._clock.processor_time() - worked
                self._rest(min(took, _OF_OTHERS * work))  # on a busy machine, a look waits more than it costs
        finally:
            self._trigger.close()

    def look(self) -> None:
        """Look once at all projects on the server, then read the screens that must be read."""
        projects = self._projects
        for project in projects:
            project.look_again()
        if projects:
            self._board.publish()
        for project in projects:
            self._read_screens(project)
            if self._board.stopped:
                return
        self._board.want_facts()

    def _read_screens(self, project: ProjectBoard) -> None:
        unread = project.unread(self._board.visible_in(project))
        for start in range(0, len(unread), _SCREENS):
            project.read_screens(unread[start : start + _SCREENS])
            self._board.publish()
            if self._board.stopped:
                return

    def _listen(self) -> None:
        servers: dict[str, Observed[Server]] = {}
        paths = WatchedPaths()
        for project in self._projects:
            if look := project.look:
                paths = _joined(paths, look.paths)
                servers[_socket_of(project, look.view.desired.socket)] = look.server
        if servers:
            self._trigger.listen(paths, servers)

    def _rest(self, cost: float) -> None:
        poll = max(_SHORTEST_POLL, _POLL_SHARE * cost)
        pause = min(_SHARE * cost, _LONGEST_PAUSE)
        if not self._hurried.wait(pause):
            self._trigger.wait(poll - pause, 0)


def _joined(one: WatchedPaths, other: WatchedPaths) -> WatchedPaths:
    return WatchedPaths(one.files | other.files, one.folders | other.folders, one.stores | other.stores)


def _socket_of(project: ProjectBoard, declared: Socket) -> str:
    return RealTmux(project.at.socket(declared), project.at.env).socket_path


def _events(socket: str) -> ServerEvents:
    """The events of a tmux server for this board alone: a monitor, and other boards, listen beside it."""
    return RealTmux(Socket(path=socket), os.environ).events(f"board {os.getpid()} {socket}")
