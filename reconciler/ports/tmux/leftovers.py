"""End what killed commands left on a tmux server, and free a server that waits for one of their clients."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Collection
from contextlib import suppress

from msgspec import Struct

from reconciler.model.observed import Unknown
from reconciler.ports.clock import RealClock

from .holders import HolderOwner, HolderSession, holders, is_left_behind, listing, orphans

ENDING = ("server exited", "lost server")
"""The messages of tmux when its server ends during a command."""

_SECONDS = 10


class Leftovers(Struct, frozen=True):
    """Removes leftovers from one server.

    `run` runs a tmux command and returns its result. `tell` runs command lines, and ignores errors about missing
    targets. `sockets` are the options with which our clients name the server.
    """

    run: Callable[..., subprocess.CompletedProcess[str]]
    tell: Callable[[Collection[str]], object]
    sockets: Collection[str]

    def end(self, mark: HolderOwner) -> None:
        """End the holder session with this mark. It is found by the mark, because a hook may have renamed it."""
        ours = [each for each in holders(self.run(*listing()).stdout) if each.mark == str(mark)]
        self.tell([each.ending() for each in ours])

    def tidy(self) -> bool:
        """End all leftovers; False when there were none."""
        done = self.run(*listing())
        if _is_ending(done.stderr):
            return self._free_server()
        left = [holder for holder in holders(done.stdout) if is_left_behind(holder)]
        clients = self._end_orphans() if left else 0  # tmux does not count a stuck client as attached
        to_end = _to_end(left, clients)
        if to_end:
            self.tell([holder.ending() for holder in to_end])
        return bool(to_end)

    def found(self) -> tuple[str, ...]:
        """What `tidy` would end, in words for the user."""
        done = self.run(*listing())
        left = [holder for holder in holders(done.stdout) if is_left_behind(holder)]
        clients = orphans(self.sockets) if left or _is_ending(done.stderr) else []
        sessions = (f"session {holder.name}" for holder in _to_end(left, len(clients)))
        return (*sessions, *(f"client {pid}" for pid in clients))

    def stuck_server(self, complaint: str) -> Unknown | None:
        """Why a server with this complaint cannot end; None unless it waits for one of our clients."""
        clients = orphans(self.sockets) if _is_ending(complaint) else []
        if not clients:
            return None
        named = " ".join(map(str, clients))
        return Unknown(
            f"the tmux server is ending, but waits for a client that a killed reconciler left (pid {named})",
            fix=f"kill {named}, or run `reconciler apply`, which ends it",
        )

    def _free_server(self) -> bool:
        if not self._end_orphans():
            return False
        clock = RealClock()
        deadline = clock.monotonic() + _SECONDS
        while _is_ending(self.run(*listing()).stderr) and clock.monotonic() < deadline:
            clock.wait(0.02)
        return True

    def _end_orphans(self) -> int:
        """Kill our clients whose command has ended, and return how many they were."""
        clients = orphans(self.sockets)
        for pid in clients:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return len(clients)


def _to_end(left: Collection[HolderSession], clients: int) -> list[HolderSession]:
    """The holder sessions to end, when so many `clients` of theirs were left, too.

    Without a mark, an attached client that is not visible here may run in another pid namespace.
    """
    return [holder for holder in left if holder.mark or clients or not holder.attached]


def _is_ending(complaint: str) -> bool:
    return any(words in complaint for words in ENDING)
