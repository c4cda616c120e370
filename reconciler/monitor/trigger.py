"""What wakes the monitor before its time: tmux, files, messages, signals. Each of them only wakes; a pass looks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from msgspec import Struct

from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Server
from reconciler.ports.tmux import ServerEvents
from reconciler.ports.watching import FolderWatch, WakeupPipe
from reconciler.ports.world import Clock

_SHORTEST_PAUSE = 0.05  # seconds at least between two passes
_SHARE = 9  # times as long as the last pass took: passes never take more than a tenth of the time


class WatchedPaths(Struct, frozen=True):
    """Where a change may mean something: in one of the `files`, and with the files in the folders.

    What is in one of the `stores` is written to all the time: only that a file comes or goes counts there.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()

    def matter(self, path: str, rewritten: bool) -> bool:
        """True when the pass should look at once."""
        folder = os.path.dirname(path)
        return path in self.files or folder in self.folders or (folder in self.stores and not rewritten)

    @property
    def folders_to_watch(self) -> frozenset[str]:
        """The folders that have to be watched for that."""
        return self.folders | self.stores | {os.path.dirname(path) for path in self.files}


@dataclass(slots=True)
class PassTrigger:
    """Waits for the next pass. Without `events` nothing is asked of tmux, and nothing changed in it."""

    clock: Clock
    wakeup: WakeupPipe = field(default_factory=WakeupPipe)
    events: ServerEvents | None = None
    _paths: WatchedPaths = field(default_factory=WatchedPaths)
    _watch: FolderWatch | None = None

    def listen(self, paths: WatchedPaths, server: Observed[Server]) -> None:
        """Listen to these paths and to this process of the tmux server from now on."""
        self._paths = paths
        if self._watch is None:
            self._watch = FolderWatch(self.wakeup.wake, self._matters)
        self._watch.watch(paths.folders_to_watch)
        if self.events and isinstance(server, Present):
            self.events.subscribe((server.value.pid, server.value.started))

    def wait(self, seconds: float, took: float) -> bool:
        """Let the time pass, or less when something happens; True when it did. `took` is what the last pass took."""
        pause = min(max(_SHORTEST_PAUSE, _SHARE * took), 1.0, seconds)
        self.clock.wait(max(pause, 0))
        woken = self.wakeup.wait(seconds - pause, *(self.events.descriptors if self.events else ()))
        if self.events:
            self.events.acknowledge()
        return woken

    def close(self) -> None:
        """Leave nothing behind in tmux, and no thread."""
        if self._watch:
            self._watch.close()
        if self.events:
            self.events.unsubscribe()
        self.wakeup.close()

    def _matters(self, path: str, rewritten: bool) -> bool:
        """By the paths of now: they change from pass to pass."""
        return self._paths.matter(path, rewritten)
