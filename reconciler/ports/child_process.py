"""A child that ends when we do, however we end: kill -9 included, and on every system.

keeper.sh stands between. It waits for a pipe whose other end only we hold: the kernel closes that end with us, and
then it kills the child. As its parent it cannot meet another process with the child's pid.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from select import select
from time import monotonic

# A file, as systemd-run takes dollar signs in a command line for its own.
_KEEPER = os.path.join(os.path.dirname(__file__), "keeper.sh")
_LOWEST = 10  # of our ends: below are those that the child gets, which must not be taken by accident


class ChildProcess:
    """A running child in a process group of its own, so Ctrl-C does not reach it.

    `stdin`, `stdout` and `stderr` are our ends of its pipes. SIGINT and SIGQUIT are ignored in it, unless it says
    otherwise (sh(1), asynchronous lists).
    """

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], *, around: Sequence[str] = (), files: int = 0
    ) -> None:
        """Start `argv`, whose first word is the path of a program; it may open `files` files, if the system agrees.

        `around` is a command that runs the whole of it, and ends up as the same process.

        Raises:
            OSError: It cannot be started.
        """
        with ExitStack() as theirs, ExitStack() as ours:
            given, self.stdin = _pipe(theirs, ours)
            self.stdout, answers = _pipe(ours, theirs)
            self.stderr, complaints = _pipe(ours, theirs)
            life, self._life = _pipe(theirs, ours)
            command = [*around, "/bin/sh", _KEEPER, str(files), *argv]
            self._keeper = os.posix_spawn(
                command[0],
                command,
                dict(environment),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate((given, answers, complaints, life))
                ],
                setpgroup=0,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # which Python ignores
            )
            ours.pop_all()

    def hush(self) -> None:
        """Close the child's input: nothing more is said."""
        _close(self.stdin)
        self.stdin = -1

    def leave(self, seconds: float) -> None:
        """Close the child's input and wait for its end; a child that takes longer than `seconds` is killed."""
        self.hush()
        self._is_over(seconds)
        self.kill()

    def complaints(self) -> str:
        """What a child that has ended said last on its standard error."""
        ready = select([self.stderr], [], [], 0)[0]
        return os.read(self.stderr, 1 << 16).decode(errors="replace").strip() if ready else ""

    def kill(self) -> None:
        """See that the child has ended, now."""
        if self._life < 0:
            return
        if self._is_over(0):  # its pid must not be killed: it may be another process soon
            with suppress(OSError):
                os.write(self._life, b"\n")
        for descriptor in (self._life, self.stdin, self.stdout, self.stderr):
            _close(descriptor)
        self._life = self.stdin = self.stdout = self.stderr = -1
        with suppress(ChildProcessError):  # taken note of by somebody else
            os.waitpid(self._keeper, 0)

    def _is_over(self, seconds: float) -> bool:
        """Whether the child closed its output in time; what it still prints is not read by anyone."""
        deadline = monotonic() + seconds
        while select([self.stdout], [], [], max(deadline - monotonic(), 0))[0]:
            if not os.read(self.stdout, 1 << 16):
                return True
            if monotonic() >= deadline:
                break
        return False


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """The end to read from and the end to write to, closed by their owners; no other program inherits them."""
    to_read, to_write = os.pipe()
    return _lifted(to_read, reader), _lifted(to_write, writer)


def _lifted(descriptor: int, owner: ExitStack) -> int:
    lifted = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    os.close(descriptor)
    owner.callback(_close, lifted)
    return lifted


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
