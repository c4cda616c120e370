"""Processes where nothing tells of them: no /proc and no psutil."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.observed import ABSENT, Observed, Unknown

from .process_table import NOBODY
from .world import ListeningProcess


class UnsupportedProcesses:
    """Where nothing tells of processes but the signals that they take: what cannot be told is never `Absent`."""

    def __init__(self, blind: str) -> None:
        self.blind = blind

    def started(self, pid: int) -> Observed[int]:
        """Only that it is gone can be told (kill(2))."""
        try:
            os.kill(pid, 0) if pid > 0 else None
        except (ProcessLookupError, OverflowError):
            return ABSENT
        except OSError:
            return self._unknown()
        return self._unknown() if pid > 0 else ABSENT

    def since(self, pid: int) -> Observed[int]:
        """The same."""
        return self.started(pid)

    def owner(self, pid: int) -> int:  # noqa: ARG002 - here and below: the same question everywhere
        """Not told."""
        return NOBODY

    def pids(self) -> Sequence[int]:
        """Not told."""
        return ()

    def parent(self, pid: int) -> tuple[str, int] | None:  # noqa: ARG002
        """Not told."""
        return None

    def children(self, pid: int) -> Sequence[int]:  # noqa: ARG002
        """Not told."""
        return ()

    def words(self, pid: int) -> tuple[str, ...]:  # noqa: ARG002
        """Not told."""
        return ()

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:  # noqa: ARG002
        """Not told."""
        return ()

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """Only that the process is gone can be told."""
        return ABSENT if self.started(pid) == ABSENT else self._unknown()

    def locked_files(self, pid: int) -> Iterable[str]:  # noqa: ARG002
        """Not told."""
        return ()

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """Not told."""
        return self._unknown()

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:  # noqa: ARG002
        """Not told."""
        return ()

    def door(self, pid: int) -> str:  # noqa: ARG002
        """Not told."""
        return ""

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """Not told."""
        yield from ()

    def _unknown(self) -> Unknown:
        return Unknown(self.blind)
