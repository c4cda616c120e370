"""Notice changes of sessions with a tmux client that ends when something happens.

The client waits for a channel (tmux(1), `wait-for`) that our hooks signal. It is not attached, so it does not resize
windows, keep the server alive, or count as a terminal. It ends with this process. No event is missed: tmux keeps a
signal until a client waits for it, and a server that ends releases all waiting clients. A second signal would cancel
the first one (cmd-wait-for.c, seen with 3.3a). So an option remembers that the channel was signalled, until a client
has received it.
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
_FIRST_SLOT, _SLOTS = 20_000, 10_000  # hooks are arrays; these indexes are ours, and the user's are far below
_SECONDS = 10


class ServerEvents:
    """The session events of one server for one subscriber. `name` must be unique for each subscriber."""

    def __init__(self, tmux: Sequence[str], environment: Mapping[str, str], name: str) -> None:
        digest = sha256(as_bytes(name)).hexdigest()
        self._tmux = [*tmux]
        self._environment = environment
        self._slot = _FIRST_SLOT + int(digest, 16) % _SLOTS
        self._channel = f"reconciler-{digest[:16]}"
        self._signalled_option = f"@reconciler_{digest[:16]}"
        self._hooked: object = None
        self._client: ChildProcess | None = None

    def subscribe(self, server: object) -> None:
        """Watch this server process from now on. `server` is any value that differs for another process."""
        if self._hooked != server:
            self._tell(command("set-hook", "-g", f"{event}[{self._slot}]", self._signal_once()) for event in _EVENTS)
            self._hooked = server
        if self._client is None:  # a client that has ended reports an event that is not acknowledged yet
            self._client = self._waiting()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors that become readable as soon as something has happened."""
        return (self._client.stdout,) if self._client else ()

    def acknowledge(self) -> None:
        """Forget an event that has happened. The next `subscribe` starts to watch again."""
        if self._client and select(self.descriptors, [], [], 0)[0]:
            self._release()

    def unsubscribe(self) -> None:
        """Remove the hooks and end the client. An ended server is fine."""
        self._release()
        if self._hooked is not None:
            self._tell(command("set-hook", "-gu", f"{event}[{self._slot}]") for event in _EVENTS)
            self._hooked = None

    def _signal_once(self) -> str:
        once = sequence(
            [command("set-option", "-s", self._signalled_option, "1"), command("wait-for", "-S", self._channel)]
        )
        return command("if-shell", "-F", f"#{{{self._signalled_option}}}", "", once)

    def _waiting(self) -> ChildProcess | None:
        program = RealProcesses().find(self._tmux[0], self._environment.get("PATH", os.defpath))
        if not isinstance(program, Present):
            return None
        words = [*self._tmux[1:], "wait-for", self._channel, ";", "set-option", "-su", self._signalled_option]
        with suppress(OSError):
            waiting = ChildProcess([program.value, *words], self._environment)
            waiting.close_input()
            return waiting
        return None

    def _release(self) -> None:
        if self._client:
            self._client.kill()
        self._client = None

    def _tell(self, commands: Iterable[str]) -> None:
        lines = "".join(f"{line}\n" for line in commands)
        with suppress(OSError, subprocess.TimeoutExpired):  # without hooks, the next pass comes at its regular time
            subprocess.run(
                [*self._tmux, "source-file", "-"],
                check=False,
                input=lines.encode(errors="surrogateescape"),
                capture_output=True,
                env=self._environment,
                timeout=_SECONDS,
            )
