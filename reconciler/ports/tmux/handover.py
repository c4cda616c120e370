"""Pass secrets to an agent: its launcher gets them over a socket.

They are never in argv, in the tmux server's environment or in a file. When this process ends, they are gone.
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import stat
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from threading import Thread
from types import TracebackType
from typing import Self

from reconciler.model.errors import ReconcilerError
from reconciler.ports import launcher, temporary
from reconciler.ports.world import Clock

_LAUNCH_SECONDS = 30
_LINE_SECONDS = 5.0
_WAITING_LINES = 4096
_DOOR = "door"
_KEY_BYTES = 16


class Handover:
    """A socket in a private folder. Both are removed when all secrets are delivered."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """The folder is created with the first secret. `environment` says where it may be."""
        self._parents = list(temporary.parents_of_private_folders(environment))
        self._clock = clock
        self._address = ""
        self._opened = ExitStack()
        self._waiting: dict[str, bytes] = {}
        self._readers: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        deadline = self._clock.monotonic() + _LAUNCH_SECONDS
        while self._unread() and self._clock.monotonic() < deadline:
            self._clock.wait(0.005)
        self._opened.close()

    def launch(self, secrets: Mapping[str, str], argv: tuple[str, ...]) -> tuple[str, ...]:
        """A command that execs `argv` (with the same pid) with `secrets` in its environment.

        Raises:
            ReconcilerError: The socket cannot be created anywhere.
        """
        if not self._address:
            self._open()
        key = os.urandom(_KEY_BYTES).hex()
        self._waiting[key] = launcher.encode(secrets)
        return (sys.executable, "-I", "-S", launcher.__file__, self._address, key, "--", *argv)

    def expect(self, launch: tuple[str, ...], pid: int) -> None:
        """Process `pid` runs the command from `launch`. Wait for it before the socket is removed."""
        self._readers[launch[5]] = pid

    def _open(self) -> None:
        problems = []
        for parent in self._parents:
            try:
                self._address = self._opened_in(parent)
            except (OSError, RuntimeError) as error:  # RuntimeError: no more threads
                problems.append(f"{parent}: {getattr(error, 'strerror', None) or error}")
            else:
                return
        raise ReconcilerError(
            "its secrets cannot be passed to it",
            detail="\n".join(problems),
            fix="set TMPDIR to a folder that you can write to, on a disk with free space",
        )

    def _opened_in(self, parent: str) -> str:
        """Serve a socket below `parent` and return its path. On an error, everything is closed and removed."""
        import tempfile  # noqa: PLC0415 - few agents have secrets

        _refuse_unsafe(parent)
        with ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix=f"{temporary.PRIVATE_FOLDER}{temporary.writer()}.", dir=parent)  # 0700
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            address = os.path.join(folder, _DOOR)
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen(_WAITING_LINES)
            wake, woken = map(stack.enter_context, socket.socketpair())
            server = Thread(target=self._serve, args=(listener, woken), daemon=True)
            server.start()
            stack.callback(server.join)
            stack.callback(wake.close)  # runs first of all: it ends the thread
            self._opened = stack.pop_all()
        return address

    def _serve(self, listener: socket.socket, woken: socket.socket) -> None:
        """Send each launcher its secrets, until the other end of `woken` is closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while all(key.fileobj is not woken for key, _ in selector.select()):
                with suppress(OSError):  # a launcher that has just ended, or sends nothing
                    self._answer(listener.accept()[0])

    def _answer(self, line: socket.socket) -> None:
        with line:
            line.settimeout(_LINE_SECONDS)
            with line.makefile("rb") as request:
                key = request.read(2 * _KEY_BYTES).decode("ascii", "replace")
            line.sendall(self._waiting.pop(key, b""))

    def _unread(self) -> bool:
        return any(key in self._waiting and _is_alive(pid) for key, pid in self._readers.items())


def _refuse_unsafe(parent: str) -> None:
    """Raise OSError if other users could replace our folder in `parent`."""
    status = os.stat(parent)
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise OSError(0, "other users may rename folders in it", parent)
    if status.st_uid not in {0, os.geteuid()}:
        raise OSError(0, "it is another user's", parent)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
