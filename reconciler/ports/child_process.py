"""A child process that ends when this process ends, even by kill -9, on every system.

The shell script keeper.sh is the child's parent. It reads from a pipe whose other end only this process has. When this
process ends, the kernel closes that end, and keeper.sh kills the child. Because it is the parent, the child's pid
cannot be reused before.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from select import select
from time import monotonic

# A file, not `sh -c`, because systemd-run expands dollar signs in a command line.
_KEEPER = os.path.join(os.path.dirname(__file__), "keeper.sh")
_LOWEST = 10  # the lowest number of our descriptors; the child gets 0 to 3, which must not be overwritten


class ChildProcess:
    """A running child in a process group of its own, so Ctrl-C does not reach it.

    `stdin`, `stdout` and `stderr` are our ends of its pipes. It ignores SIGINT and SIGQUIT unless it handles them
    itself (sh(1), asynchronous lists).
    """

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], *, wrapper: Sequence[str] = (), files: int = 0
    ) -> None:
        """Start `argv`, whose first word is the path of a program.

        It may open `files` files, if the system allows that. `wrapper` is a command that is put in front of everything
        and must exec it, such as systemd-run.

        Raises:
            OSError: The program cannot be started.
        """
        with ExitStack() as theirs, ExitStack() as ours:
            given, self.stdin = _pipe(theirs, ours)
            self.stdout, answers = _pipe(ours, theirs)
            self.stderr, complaints = _pipe(ours, theirs)
            life, self._life = _pipe(theirs, ours)
            command = [*wrapper, "/bin/sh", _KEEPER, str(files), *argv]
            self._keeper = os.posix_spawn(
                command[0],
                command,
                dict(environment),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate((given, answers, complaints, life))
                ],
                setpgroup=0,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores these, and the child would inherit that
            )
            ours.pop_all()

    def close_input(self) -> None:
        """Close the child's standard input."""
        _close(self.stdin)
        self.stdin = -1

    def end(self, seconds: float) -> None:
        """Close the child's input and wait for its end. A child that takes longer than `seconds` is killed."""
        self.close_input()
        self._is_over(seconds)
        self.kill()

    def complaints(self) -> str:
        """The last output on standard error of a child that has ended."""
        ready = select([self.stderr], [], [], 0)[0]
        return os.read(self.stderr, 1 << 16).decode(errors="replace").strip() if ready else ""

    def kill(self) -> None:
        """End the child now."""
        if self._life < 0:
            return
        if self._is_over(0):  # it has ended: tell keeper.sh not to kill a pid that may be reused
            with suppress(OSError):
                os.write(self._life, b"\n")
        for descriptor in (self._life, self.stdin, self.stdout, self.stderr):
            _close(descriptor)
        self._life = self.stdin = self.stdout = self.stderr = -1
        with suppress(ChildProcessError):  # other code has waited for it
            os.waitpid(self._keeper, 0)

    def _is_over(self, seconds: float) -> bool:
        """Whether the child closes its output in time. Its remaining output is discarded."""
        deadline = monotonic() + seconds
        while select([self.stdout], [], [], max(deadline - monotonic(), 0))[0]:
            if not os.read(self.stdout, 1 << 16):
                return True
            if monotonic() >= deadline:
                break
        return False


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """A pipe as its read end and its write end, each closed by its owner. Other programs do not inherit them."""
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
