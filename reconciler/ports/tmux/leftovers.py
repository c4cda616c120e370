"""End what killed reconcilers left on a tmux server, and free a server that waits for that."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Collection
from contextlib import suppress

from msgspec import Struct

from reconciler.model.observed import Unknown
from reconciler.ports.clock import RealClock

from .holders import Mark, holders, is_left_behind, listing, orphans

ENDING = ("server exited", "lost server")
"""What tmux says when its server ends under a command."""

_SECONDS = 10


class Leftovers(Struct, frozen=True):
    """What may be left on one server.

    `run` runs a tmux command there and gives its result; `tell` runs command lines, where one that finds nothing to
    end is fine. `doors` are the words by which our clients call the server.
    """

    run: Callable[..., subprocess.CompletedProcess[str]]
    tell: Callable[[Collection[str]], object]
    doors: Collection[str]

    def end(self, mark: Mark) -> None:
        """End the holder session with this mark, by its id: a hook may have renamed it."""
        ours = [each for each in holders(self.run(*listing()).stdout) if each.mark == str(mark)]
        self.tell([each.ending() for each in ours])

    def tidy(self) -> bool:
        """End what was left behind; False when there was nothing."""
        done = self.run(*listing())
        if _is_ending(done.stderr):
            return self._unjam()
        left = [holder for holder in holders(done.stdout) if is_left_behind(holder)]
        clients = self._end_orphans() if left else 0  # one that is stuck does not count as attached
        # Without a mark, a client that is not seen here may live in another pid namespace.
        doomed = [holder for holder in left if holder.mark or clients or not holder.attached]
        if doomed:
            self.tell([holder.ending() for holder in doomed])
        return bool(doomed)

    def jam(self, complaint: str) -> Unknown | None:
        """Why a server that has said this cannot end; None when it does not wait for one of our clients."""
        clients = orphans(self.doors) if _is_ending(complaint) else []
        if not clients:
            return None
        named = " ".join(map(str, clients))
        return Unknown(
            f"the tmux server is ending, and waits for a client that a killed reconciler left (pid {named})",
            fix=f"kill {named}, or run `reconciler apply`, which ends it",
        )

    def _unjam(self) -> bool:
        if not self._end_orphans():
            return False
        clock = RealClock()
        deadline = clock.monotonic() + _SECONDS
        while _is_ending(self.run(*listing()).stderr) and clock.monotonic() < deadline:
            clock.wait(0.02)
        return True

    def _end_orphans(self) -> int:
        """Kill our clients that are left behind, and tell how many they were."""
        clients = orphans(self.doors)
        for pid in clients:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return len(clients)


def _is_ending(complaint: str) -> bool:
    return any(words in complaint for words in ENDING)
