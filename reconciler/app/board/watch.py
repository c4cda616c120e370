"""Keep a board up to date: look after each event and after a slow poll, and report each new document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from threading import Event, Lock, Thread

from reconciler.app.board.board import ProjectBoard
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.desired import Socket
from reconciler.monitor.trigger import PassTrigger
from reconciler.ports.tmux import RealTmux, ServerEvents
from reconciler.render.board import board_document
from reconciler.render.documents.board import BoardDoc

_SHARE = 40.0  # after a look, events wait for 40 times its duration: looks take at most a fortieth of a core
_LONGEST_PAUSE = 10.0  # seconds
_SHORTEST_POLL, _POLL_SHARE = 3.0, 200.0  # without events, looks take at most a two-hundredth of a core
_SCREENS = 50  # screens that are read before what they showed is reported

Report = Callable[[BoardDoc], None]


class LiveBoard:
    """The board of some projects, in threads of its own. `report` gets each new document, in one of them."""

    def __init__(self, projects: Sequence[Project], report: Report) -> None:
        self.projects: Mapping[str, ProjectBoard] = {at.root: ProjectBoard(at) for at in projects}
        self._report = report
        self._reporting = Lock()
        self._visible: Mapping[str, Sequence[Address]] = {}
        self._stop, self._facts_wanted = Event(), Event()
        self._watches = [_Watch(each, self) for each in self.projects.values()]
        self._threads = [Thread(target=self._learn, daemon=True)]
        self._threads += [Thread(target=watch.run, daemon=True) for watch in self._watches]

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop looking: no tmux client and no thread is left."""
        self._stop.set()
        self._facts_wanted.set()
        for watch in self._watches:
            watch.hurry()
        for thread in self._threads:
            thread.join()

    def look_again(self) -> None:
        """Look now, without waiting for an event."""
        for watch in self._watches:
            watch.hurry()

    def show(self, agents: Iterable[tuple[str, Address]]) -> None:
        """These agents, each with the folder of its project, are visible: keep their slow facts up to date."""
        visible: dict[str, list[Address]] = {}
        for folder, address in agents:
            visible.setdefault(folder, []).append(address)
        if visible != self._visible:
            self._visible = visible
            self._facts_wanted.set()

    def visible_in(self, project: ProjectBoard) -> Sequence[Address]:
        """The visible agents of a project."""
        return self._visible.get(project.at.root, ())

    @property
    def stopped(self) -> bool:
        """Whether looking should stop."""
        return self._stop.is_set()

    def publish(self) -> None:
        """Report the document of all projects that were looked at."""
        with self._reporting:
            seen = [each for each in self.projects.values() if each.look or each.trouble]
            self._report(board_document(each.overview() for each in seen))

    def want_facts(self) -> None:
        """Check the slow facts of the visible agents."""
        self._facts_wanted.set()

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


class _Watch:
    """Looks at one project after each event, and after a while without one."""

    def __init__(self, project: ProjectBoard, board: LiveBoard) -> None:
        self._project, self._board = project, board
        self._trigger = PassTrigger(project.at.clock, connect=partial(_events, project.at))
        self._hurried = Event()

    def hurry(self) -> None:
        """Look at once."""
        self._hurried.set()
        self._trigger.wakeup.wake()

    def run(self) -> None:
        """Look until the board is closed."""
        clock = self._project.at.clock
        try:
            while not self._board.stopped:
                self._hurried.clear()
                began = clock.monotonic()
                self._look()
                self._listen()
                self._rest(clock.monotonic() - began)
        finally:
            self._trigger.close()

    def _look(self) -> None:
        project, visible = self._project, self._board.visible_in(self._project)
        project.look_again()
        self._board.publish()
        unread = project.unread(visible)
        for start in range(0, len(unread), _SCREENS):
            project.read_screens(unread[start : start + _SCREENS])
            self._board.publish()
            if self._board.stopped:
                return
        self._board.want_facts()

    def _listen(self) -> None:
        project, look = self._project, self._project.look
        if look is None:
            return
        socket = RealTmux(project.at.socket(look.view.desired.socket), project.at.env).socket_path
        self._trigger.listen(look.paths, {socket: look.server})

    def _rest(self, took: float) -> None:
        poll = max(_SHORTEST_POLL, _POLL_SHARE * took)
        pause = min(_SHARE * took, _LONGEST_PAUSE)
        if not self._hurried.wait(pause):
            self._trigger.wait(poll - pause, 0)


def _events(at: Project, socket: str) -> ServerEvents:
    """The events of a tmux server for this board alone: a monitor, and other boards, listen beside it."""
    return RealTmux(Socket(path=socket), at.env).events(f"{at.registry_path} board {os.getpid()}")
