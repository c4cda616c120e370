"""The interface of a source of process facts. Everything else about processes is derived from these facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from reconciler.model.observed import Observed

from .world import ListeningProcess

NOBODY = -1
"""The owner of a process that has ended, or that the system hides."""


class ProcessTable(Protocol):
    """One way to look at the processes of this machine. Asking about a process that has ended is not an error."""

    unsupported: str
    """Why this system gives no facts about processes; empty when it does."""

    def started(self, pid: int) -> Observed[int]:
        """The start of a process. Use it only to compare. A zombie is `Absent`."""

    def since(self, pid: int) -> Observed[int]:
        """The start of a process in Unix seconds, exact to about one second. A zombie is `Absent`."""

    def owner(self, pid: int) -> int:
        """The uid of the owner, else `NOBODY`."""

    def pids(self) -> Sequence[int]:
        """All visible processes."""

    def parent(self, pid: int) -> tuple[str, int] | None:
        """The name of the program, and the pid of the parent."""

    def children(self, pid: int) -> Sequence[int]:
        """The live child processes."""

    def words(self, pid: int) -> tuple[str, ...]:
        """The words of the command line."""

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:
        """The given processes that are in the foreground process group of their terminal."""

    def standard_input(self, pid: int) -> str:
        """The terminal or other file that the process reads from; empty when that is not known."""

    def inner_pid(self, pid: int) -> int:
        """The pid of the process in its own pid namespace; `pid` itself if it is in ours, or when that is not known."""

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths of the open files."""

    def locked_files(self, pid: int) -> Iterable[str]:
        """The files on which this process itself has taken an exclusive flock(2)."""

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """The exclusive flock(2)s of this machine by terminal session. Use their names only to compare."""

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """The processes that listen on a TCP port."""

    def socket_path(self, pid: int) -> str:
        """The path of the Unix socket on which a process listens."""

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """The processes of this user, each with its command line as one text."""
