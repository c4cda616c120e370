"""What wakes the monitor before its time: tmux, files, messages, signals. Each of them only wakes; a pass looks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import Server
from reconciler.ports.tmux import Bell
from reconciler.ports.watching import FolderWatch, Ring
from reconciler.ports.world import Clock

_BREATH = 0.05  # seconds at least between two passes
_SHARE = 9  # times as long as the last pass took: passes never take more than a tenth of the time


@dataclass(frozen=True, slots=True)
class Places:
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
    def watched(self) -> frozenset[str]:
        """The folders that have to be watched for that."""
        return self.folders | self.stores | {os.path.dirname(path) for path in self.files}


@dataclass(slots=True)
class Wake:
    """Waits for the next pass. Without a bell nothing is asked of tmux, and nothing changed in it."""

    clock: Clock
    ring: Ring = field(default_factory=Ring)
    bell: Bell | None = None
    _places: Places = field(default_factory=Places)
    _watch: FolderWatch | None = None

    def listen(self, places: Places, server: Observed[Server]) -> None:
        """Listen to these places and to this life of the tmux server from now on."""
        self._places = places
        if self._watch is None:
            self._watch = FolderWatch(self.ring.ring, self._matters)
        self._watch.watch(places.watched)
        if self.bell and isinstance(server, Present):
            self.bell.hang((server.value.pid, server.value.started))

    def wait(self, seconds: float, took: float) -> bool:
        """Let the time pass, or less when something happens; True when it did. `took` is what the last pass took."""
        pause = min(max(_BREATH, _SHARE * took), 1.0, seconds)
        self.clock.wait(max(pause, 0))
        woken = self.ring.wait(seconds - pause, *(self.bell.descriptors if self.bell else ()))
        if self.bell:
            self.bell.answer()
        return woken

    def close(self) -> None:
        """Leave nothing behind in tmux, and no thread."""
        if self._watch:
            self._watch.close()
        if self.bell:
            self.bell.unhang()
        self.ring.close()

    def _matters(self, path: str, rewritten: bool) -> bool:
        """By the places of now: they change from pass to pass."""
        return self._places.matter(path, rewritten)
