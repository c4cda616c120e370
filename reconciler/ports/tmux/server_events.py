"""A tmux client that ends when something happens to a session.

It waits (tmux(1), `wait-for`) for a word that our hooks say. It is attached to nothing, so it resizes no window, keeps
no server alive and counts as nobody's terminal. It ends with us. A word that is said while nobody waits is kept for
the next one who does, and a server that ends lets everybody go: nothing is missed in between. Said twice it would be
taken back (cmd-wait-for.c, seen with 3.3a), so an option of ours remembers that it was said, until somebody has heard
it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from select import select

from reconciler.model.observed import Present
from reconciler.model.utf8 import as_bytes
from reconciler.ports.child_process import ChildProcess
from reconciler.ports.processes import RealProcesses

from .language import command, sequence

_EVENTS = ("session-created", "session-renamed", "session-closed", "window-unlinked", "pane-exited", "pane-died")
_FIRST_SLOT, _SLOTS = 20_000, 10_000  # hooks are arrays: nobody writes ours, and we write nobody's
_SECONDS = 10


class ServerEvents:
    """The events of one server's sessions for one subscriber; `name` tells subscribers apart."""

    def __init__(self, tmux: Sequence[str], environment: Mapping[str, str], name: str) -> None:
        digest = sha256(as_bytes(name)).hexdigest()
        self._tmux = [*tmux]
        self._environment = environment
        self._slot = _FIRST_SLOT + int(digest, 16) % _SLOTS
        self._word = f"reconciler-{digest[:16]}"
        self._said = f"@reconciler_{digest[:16]}"
        self._hooked: object = None
        self._client: ChildProcess | None = None

    def subscribe(self, server: object) -> None:
        """Be told of this server process from now on; `server` differs from one to the next."""
        if self._hooked != server:
            self._tell(command("set-hook", "-g", f"{event}[{self._slot}]", self._saying()) for event in _EVENTS)
            self._hooked = server
        if self._client is None:  # one that has ended has told of an event that was not acknowledged yet
            self._client = self._waiting()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What can be read as soon as something has happened."""
        return (self._client.stdout,) if self._client else ()

    def acknowledge(self) -> None:
        """Nothing more is told until the next `subscribe`, if something has happened."""
        if self._client and select(self.descriptors, [], [], 0)[0]:
            self._release()

    def unsubscribe(self) -> None:
        """Take the hooks out, and end the client; a server that is gone is fine."""
        self._release()
        if self._hooked is not None:
            self._tell(command("set-hook", "-gu", f"{event}[{self._slot}]") for event in _EVENTS)
            self._hooked = None

    def _saying(self) -> str:
        once = sequence([command("set-option", "-s", self._said, "1"), command("wait-for", "-S", self._word)])
        return command("if-shell", "-F", f"#{{{self._said}}}", "", once)

    def _waiting(self) -> ChildProcess | None:
        program = RealProcesses().find(self._tmux[0], self._environment.get("PATH", os.defpath))
        if not isinstance(program, Present):
            return None
        words = [*self._tmux[1:], "wait-for", self._word, ";", "set-option", "-su", self._said]
        with suppress(OSError):
            waiting = ChildProcess([program.value, *words], self._environment)
            waiting.hush()
            return waiting
        return None

    def _release(self) -> None:
        if self._client:
            self._client.kill()
        self._client = None

    def _tell(self, commands: Iterable[str]) -> None:
        lines = "".join(f"{line}\n" for line in commands)
        with suppress(OSError, subprocess.TimeoutExpired):  # without hooks, the next pass comes in its time
            subprocess.run(
                [*self._tmux, "source-file", "-"],
                check=False,
                input=lines.encode(errors="surrogateescape"),
                capture_output=True,
                env=self._environment,
                timeout=_SECONDS,
            )
