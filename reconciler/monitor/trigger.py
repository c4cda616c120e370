"""Wake the monitor early on changes in tmux or files, on messages and signals. They only wake it; a pass looks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Server
from reconciler.ports.tmux import ServerEvents
from reconciler.ports.watching import FolderWatch, WakeupPipe
from reconciler.ports.world import Clock

_SHORTEST_PAUSE = 0.05  # minimum seconds between two passes
_SHARE = 9  # the pause is this many times the last pass's duration, so passes take at most a tenth of the time


class WatchedPaths(Struct, frozen=True):
    """The paths where a change wakes the monitor: `files`, and files in the folders.

    Files in `stores` are written all the time: there, only new and deleted files count.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()

    def matter(self, path: str, rewritten: bool) -> bool:
        """Whether a change of this path should start a pass at once."""
        folder = os.path.dirname(path)
        return path in self.files or folder in self.folders or (folder in self.stores and not rewritten)

    @property
    def folders_to_watch(self) -> frozenset[str]:
        """The folders that must be watched."""
        return self.folders | self.stores | {os.path.dirname(path) for path in self.files}


@dataclass(slots=True)
class PassTrigger:
    """Waits for the next pass. `connect` gives the events of the tmux server with a socket; without, none is asked."""

    clock: Clock
    wakeup: WakeupPipe = field(default_factory=WakeupPipe)
    connect: Callable[[str], ServerEvents] | None = None
    _events: dict[str, ServerEvents] = field(default_factory=dict)
    _paths: WatchedPaths = field(default_factory=WatchedPaths)
    _watch: FolderWatch | None = None

    def listen(self, paths: WatchedPaths, servers: Mapping[str, Observed[Server]]) -> None:
        """Listen to these paths, and to these processes of tmux servers by the path of their socket, from now on."""
        self._paths = paths
        if self._watch is None:
            self._watch = FolderWatch(self.wakeup.wake, self._matters)
        self._watch.watch(paths.folders_to_watch)
        for socket in self._events.keys() - servers.keys():
            self._events.pop(socket).unsubscribe()
        for socket, server in servers.items():
            if self.connect and isinstance(server, Present):
                events = self._events[socket] = self._events.get(socket) or self.connect(socket)
                events.subscribe((server.value.pid, server.value.started))

    def wait(self, seconds: float, took: float) -> bool:
        """Wait `seconds`, or until something happens; True if it did. `took` is the duration of the last pass."""
        pause = min(max(_SHORTEST_PAUSE, _SHARE * took), 1.0, seconds)
        self.clock.wait(max(pause, 0))
        descriptors = (each for events in self._events.values() for each in events.descriptors)
        woken = self.wakeup.wait(seconds - pause, *descriptors)
        for events in self._events.values():
            events.acknowledge()
        return woken

    def close(self) -> None:
        """Stop listening: no tmux client and no thread is left."""
        if self._watch:
            self._watch.close()
        for events in self._events.values():
            events.unsubscribe()
        self.wakeup.close()

    def _matters(self, path: str, rewritten: bool) -> bool:
        """Whether a change matters, by the present paths, which change from pass to pass."""
        return self._paths.matter(path, rewritten)
