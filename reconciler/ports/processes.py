"""Processes and programs of this machine."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Absent, Observed, Present

from . import proc
from .process_table import NOBODY, ProcessTable
from .processes_by_proc import ByProc, session_of
from .processes_unsupported import UnsupportedProcesses
from .world import ListeningProcess


class RealProcesses:
    """What the system says of processes: through /proc where there is one, and through psutil elsewhere."""

    def __init__(self, table: ProcessTable | None = None) -> None:
        self._table = table or table_at(proc.ROOT)

    def blind(self) -> str:
        """Why this system tells nothing of processes; empty when it does."""
        return self._table.blind

    def started(self, pid: int) -> Observed[int]:
        """When a process started, to tell it from a later one with its pid; a zombie is `Absent`.

        Clock ticks since boot where there is /proc, Unix seconds elsewhere.
        """
        return self._table.started(pid)

    def since(self, pid: int) -> Observed[int]:
        """When a process started, in Unix seconds and to about a second; a zombie is `Absent`."""
        return self._table.since(pid)

    def user(self, pid: int) -> str:
        """The name of the user whose process it is, its number without one; empty for our own, and where not told."""
        owner = self._table.owner(pid)
        return "" if owner in {NOBODY, os.geteuid()} else _user_name(owner)

    def door(self, pid: int) -> str:
        """The path of the socket on which a process waits for clients; empty for another user's.

        It is the path that the socket was bound to, also when nothing is there any more.
        """
        return self._table.door(pid)

    def terminate(self, pid: int) -> None:
        """Send SIGTERM to the process group that `pid` leads, else to `pid` alone; gone is fine.

        Raises:
            ReconcilerError: The process belongs to somebody else, or to nobody (`pid` below 2).
        """
        if pid < 2:  # 0 is our own group, 1 is init, negative ones are groups
            raise ReconcilerError(f"{pid} is no process of an agent")
        try:
            if os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGTERM)
            else:
                os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise ReconcilerError(f"process {pid} belongs to another user", detail=str(error)) from error

    def family(self, pid: int) -> tuple[int, ...]:
        """The process and all that descend from it in its terminal session, itself first; empty when it is gone.

        What left the session (setsid(2)) is meant to live on, and may serve others.
        """
        if isinstance(self.started(pid), Absent):
            return ()
        return tuple(self._descendants(pid, session_of(pid)))

    def foreground(self, pid: int) -> tuple[tuple[str, ...], ...]:
        """The command lines of those in the family of `pid` that read what is typed into its terminal."""
        reading = self._table.reading_keys(self.family(pid))
        return tuple(words for each in reading if (words := self.words(each)))

    def ancestry(self, pid: int) -> tuple[tuple[int, str], ...]:
        """The process and those that it descends from, itself first, each with the name of its program."""
        return tuple(self._ancestry(pid))

    def sessions(self) -> Mapping[int, tuple[int, ...]]:
        """The living processes of each terminal session, by the pid of the one that leads or led it.

        No new process gets the number of a session that still has members.
        """
        found: dict[int, tuple[int, ...]] = {}
        for pid in self._table.pids():
            if isinstance(self.started(pid), Present) and (session := session_of(pid)):
                found[session] = (*found.get(session, ()), pid)
        return found

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths that a process has open; `Unknown` for another user's."""
        return self._table.open_files(pid)

    def locked_files(self, pid: int) -> tuple[str, ...]:
        """The files on which one of the family of `pid` has taken an exclusive flock(2); empty where `locks` fails."""
        return tuple(path for member in self.family(pid) for path in self._table.locked_files(member))

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """Each exclusive flock(2) of this machine, by terminal session; `Unknown` where the system does not tell."""
        return self._table.locks()

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that have one of these files open; other users' are not seen."""
        found: dict[str, tuple[int, ...]] = {}
        for pid in self._table.pids():
            opened = self.open_files(pid)
            for path in set(opened.value if isinstance(opened, Present) else ()).intersection(paths):
                found[path] = (*found.get(path, ()), pid)
        return found

    def words(self, pid: int) -> tuple[str, ...]:
        """The words that a process was started with; none of a zombie."""
        return self._table.words(pid)

    def started_with(self, words: Sequence[str]) -> tuple[int, ...]:
        """The living processes of this user that were started with exactly these words."""
        wanted, me, table = tuple(words), os.geteuid(), self._table
        return tuple(pid for pid in table.pids() if table.words(pid) == wanted and table.owner(pid) == me)

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """Who listens on a TCP port of this machine, as far as the system tells this user."""
        return self._table.listeners(port)

    def version(self, program: str, env: Mapping[str, str]) -> Observed[str]:
        """The first line that `program --version` prints; `Unknown` as `said_version` has it."""
        from .versions import said_version  # noqa: PLC0415 - few looks need it

        said = said_version(program, env)
        return Present(said.value.partition("\n")[0]) if isinstance(said, Present) else said

    def find(self, command: str, path: str) -> Observed[str]:
        """The file that runs as `command` under the search path `path`, by the rules of execvp(3)."""
        if os.sep in command:
            candidates = [command]
        else:
            candidates = [os.path.join(folder, command) for folder in path.split(os.pathsep) if folder]
        found = next(filter(_runs, candidates), None)
        return Present(found) if found else ABSENT

    def _descendants(self, pid: int, session: int) -> Iterator[int]:
        yield pid
        for child in self._table.children(pid):
            if session_of(child) == session:
                yield from self._descendants(child, session)

    def _ancestry(self, pid: int) -> Iterator[tuple[int, str]]:
        while pid and (found := self._table.parent(pid)):
            name, parent = found
            yield pid, name
            pid = parent


@cache
def table_at(root: str) -> ProcessTable:
    """What tells of the processes here: /proc at `root`, or else psutil, or else nothing. Decided once."""
    if proc.is_at(root):
        return ByProc(root)
    try:
        from . import processes_elsewhere as elsewhere  # noqa: PLC0415 - not needed where there is /proc
    except ImportError:
        return UnsupportedProcesses(
            "this system has no /proc, and psutil, which looks at processes without it, is not installed"
        )
    return (
        elsewhere.ByPsutil()
        if elsewhere.sees()
        else UnsupportedProcesses("/proc is not mounted, and nothing else tells here")
    )


def command_lines() -> Iterator[tuple[int, str]]:
    """The processes of this user in this pid namespace, each with the words that it was started with in one line."""
    return table_at(proc.ROOT).command_lines()


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _runs(file: str) -> bool:
    return os.path.isfile(file) and os.access(file, os.X_OK)
