"""Process facts on systems with neither /proc nor psutil."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.observed import ABSENT, Observed, Unknown

from .process_table import NOBODY
from .world import ListeningProcess


class UnsupportedProcesses:
    """A `ProcessTable` that knows only whether a signal reaches a process. All else is unknown, never `Absent`."""

    def __init__(self, unsupported: str) -> None:
        self.unsupported = unsupported

    def started(self, pid: int) -> Observed[int]:
        """`Absent` when the process has ended (kill(2)), else `Unknown`."""
        try:
            os.kill(pid, 0) if pid > 0 else None
        except (ProcessLookupError, OverflowError):
            return ABSENT
        except OSError:
            return self._unknown()
        return self._unknown() if pid > 0 else ABSENT

    def since(self, pid: int) -> Observed[int]:
        """The same as `started`."""
        return self.started(pid)

    def owner(self, pid: int) -> int:  # noqa: ARG002 - here and below: the interface has the argument
        """Unknown here."""
        return NOBODY

    def pids(self) -> Sequence[int]:
        """Unknown here."""
        return ()

    def parent(self, pid: int) -> tuple[str, int] | None:  # noqa: ARG002
        """Unknown here."""
        return None

    def children(self, pid: int) -> Sequence[int]:  # noqa: ARG002
        """Unknown here."""
        return ()

    def words(self, pid: int) -> tuple[str, ...]:  # noqa: ARG002
        """Unknown here."""
        return ()

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:  # noqa: ARG002
        """Unknown here."""
        return ()

    def standard_input(self, pid: int) -> str:  # noqa: ARG002
        """Unknown here."""
        return ""

    def inner_pid(self, pid: int) -> int:
        """Unknown here."""
        return pid

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """`Absent` when the process has ended, else `Unknown`."""
        return ABSENT if self.started(pid) == ABSENT else self._unknown()

    def locked_files(self, pid: int) -> Iterable[str]:  # noqa: ARG002
        """Unknown here."""
        return ()

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """Unknown here."""
        return self._unknown()

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:  # noqa: ARG002
        """Unknown here."""
        return ()

    def socket_path(self, pid: int) -> str:  # noqa: ARG002
        """Unknown here."""
        return ""

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """Unknown here."""
        yield from ()

    def _unknown(self) -> Unknown:
        return Unknown(self.unsupported)
