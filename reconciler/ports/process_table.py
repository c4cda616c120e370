"""What a source of processes answers. Everything else about processes follows from these answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from reconciler.model.observed import Observed

from .world import ListeningProcess

NOBODY = -1
"""The owner of a process that is gone, or that the system hides."""


class ProcessTable(Protocol):
    """One way to look at the processes of this machine. A question about a process that is gone is no error."""

    blind: str
    """Why this system tells nothing of processes; empty when it does."""

    def started(self, pid: int) -> Observed[int]:
        """When a process started, only good for comparing; a zombie is `Absent`."""

    def since(self, pid: int) -> Observed[int]:
        """When a process started, in Unix seconds and to about a second; a zombie is `Absent`."""

    def owner(self, pid: int) -> int:
        """The number of the user whose process it is, else `NOBODY`."""

    def pids(self) -> Sequence[int]:
        """All processes that can be seen."""

    def parent(self, pid: int) -> tuple[str, int] | None:
        """The name of a process' program, and the pid of its parent."""

    def children(self, pid: int) -> Sequence[int]:
        """The processes that it started and that have not ended."""

    def words(self, pid: int) -> tuple[str, ...]:
        """The words that a process was started with."""

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:
        """Those of these processes that are in the foreground process group of their terminal."""

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths that a process has open."""

    def locked_files(self, pid: int) -> Iterable[str]:
        """The files on which this very process has taken an exclusive flock(2)."""

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """The exclusive flock(2)s of this machine by terminal session, under names only good for comparing."""

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """Who listens on a TCP port."""

    def door(self, pid: int) -> str:
        """The path of the socket on which a process waits for clients."""

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """The processes of this user, each with the words that it was started with in one line."""
