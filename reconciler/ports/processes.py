"""Processes and programs of this machine, from the facts of a `ProcessTable`."""

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
from .versions import printed_version
from .world import ListeningProcess


class RealProcesses:
    """The processes of this machine: from /proc if it exists, else from psutil."""

    def __init__(self, table: ProcessTable | None = None) -> None:
        self._table = table or table_at(proc.ROOT)

    def unsupported(self) -> str:
        """Why this system gives no facts about processes; empty when it does."""
        return self._table.unsupported

    def started(self, pid: int) -> Observed[int]:
        """The start of a process, to distinguish it from a later one with the same pid. A zombie is `Absent`.

        Clock ticks since boot with /proc, Unix seconds without.
        """
        return self._table.started(pid)

    def since(self, pid: int) -> Observed[int]:
        """The start of a process in Unix seconds, exact to about one second. A zombie is `Absent`."""
        return self._table.since(pid)

    def user(self, pid: int) -> str:
        """The owner's name, or uid if it has none; empty for our own processes, and when unknown."""
        owner = self._table.owner(pid)
        return "" if owner in {NOBODY, os.geteuid()} else _user_name(owner)

    def socket_path(self, pid: int) -> str:
        """The path of the Unix socket on which a process listens; empty for another user's process.

        It is the path to which the socket was bound, even if the file was deleted since.
        """
        return self._table.socket_path(pid)

    def terminate(self, pid: int) -> None:
        """Send SIGTERM to the process group that `pid` leads, else to `pid` alone. An ended process is fine.

        Raises:
            ReconcilerError: The process belongs to another user, or `pid` is below 2.
        """
        if pid < 2:  # 0 is our own group, 1 is init, negative ones are groups
            raise ReconcilerError(f"{pid} is not the pid of an agent")
        try:
            if os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGTERM)
            else:
                os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise ReconcilerError(f"process {pid} belongs to another user", detail=str(error)) from error

    def family(self, pid: int, *, wrapped: bool = False) -> tuple[int, ...]:
        """The process and its descendants in the same terminal session, itself first; empty when it has ended.

        A descendant that left the session (setsid(2)) is meant to keep running, and may serve other programs. Behind a
        wrapper (`wrapped`), it counts while it reads from the same terminal, together with all in its own session:
        wrappers such as `setsid -w` and `bwrap --new-session` give their command a session of its own.
        """
        if isinstance(self.started(pid), Absent):
            return ()
        terminal = self._table.standard_input(pid) if wrapped else ""
        return tuple(self._descendants(pid, session_of(pid), terminal))

    def foreground(self, pid: int, *, wrapped: bool = False) -> tuple[tuple[str, ...], ...]:
        """The command lines of the processes in the family of `pid` that read the keys of its terminal."""
        return tuple(words for each in self._reading(pid, wrapped=wrapped) if (words := self.words(each)))

    def inner_pid(self, pid: int) -> int:
        """The pid that the process has in its own pid namespace, which is what it calls itself."""
        return self._table.inner_pid(pid)

    def called(self, pid: int) -> tuple[int, ...]:
        """The processes in inner pid namespaces that have this pid there."""
        return tuple(each for each in self._table.pids() if each != pid and self._table.inner_pid(each) == pid)

    def ancestry(self, pid: int) -> tuple[tuple[int, str], ...]:
        """The process, its parent, its grandparent and so on, each with the name of its program."""
        return tuple(self._ancestry(pid))

    def sessions(self) -> Mapping[int, tuple[int, ...]]:
        """The live processes of each terminal session, by the pid of the session leader, dead or alive.

        The kernel does not reuse the pid of a session that still has members.
        """
        found: dict[int, tuple[int, ...]] = {}
        for pid in self._table.pids():
            if isinstance(self.started(pid), Present) and (session := session_of(pid)):
                found[session] = (*found.get(session, ()), pid)
        return found

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths of the open files; `Unknown` for another user's process."""
        return self._table.open_files(pid)

    def locked_files(self, pid: int, *, wrapped: bool = False) -> tuple[str, ...]:
        """The files on which the family of `pid` has taken an exclusive flock(2); empty where `locks` is `Unknown`."""
        family = self.family(pid, wrapped=wrapped)
        return tuple(path for member in family for path in self._table.locked_files(member))

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """Each exclusive flock(2) of this machine, by terminal session; `Unknown` if the system does not list them."""
        return self._table.locks()

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that have one of these files open, without those of other users."""
        found: dict[str, tuple[int, ...]] = {}
        for pid in self._table.pids():
            opened = self.open_files(pid)
            for path in set(opened.value if isinstance(opened, Present) else ()).intersection(paths):
                found[path] = (*found.get(path, ()), pid)
        return found

    def words(self, pid: int) -> tuple[str, ...]:
        """The words of the command line; empty for a zombie."""
        return self._table.words(pid)

    def started_with(self, words: Sequence[str]) -> tuple[int, ...]:
        """The live processes of this user with exactly this command line."""
        wanted, me, table = tuple(words), os.geteuid(), self._table
        return tuple(pid for pid in table.pids() if table.words(pid) == wanted and table.owner(pid) == me)

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """The processes that listen on a TCP port, as far as this user can see them."""
        return self._table.listeners(port)

    def version(self, program: str, env: Mapping[str, str]) -> Observed[str]:
        """The first line that `program --version` prints; `Unknown` in the cases of `printed_version`."""
        printed = printed_version(program, env)
        return Present(printed.value.partition("\n")[0]) if isinstance(printed, Present) else printed

    def find(self, command: str, path: str) -> Observed[str]:
        """The program file that execvp(3) would run for `command` with the search path `path`."""
        if os.sep in command:
            candidates = [command]
        else:
            candidates = [os.path.join(folder, command) for folder in path.split(os.pathsep) if folder]
        found = next(filter(_runs, candidates), None)
        return Present(found) if found else ABSENT

    def _descendants(self, pid: int, session: int, terminal: str) -> Iterator[int]:
        yield pid
        for child in self._table.children(pid):
            own = session_of(child)
            if own == session or (terminal and self._table.standard_input(child) == terminal):
                yield from self._descendants(child, own, terminal)

    def _reading(self, pid: int, *, wrapped: bool) -> Iterator[int]:
        """The processes that read the keys. A session without a controlling terminal has no foreground group."""
        family, here = self.family(pid, wrapped=wrapped), session_of(pid)
        reading = frozenset(self._table.reading_keys(family))
        yield from (each for each in family if each in reading or (wrapped and session_of(each) != here))

    def _ancestry(self, pid: int) -> Iterator[tuple[int, str]]:
        while pid and (found := self._table.parent(pid)):
            name, parent = found
            yield pid, name
            pid = parent


@cache
def table_at(root: str) -> ProcessTable:
    """The source of process facts on this system: /proc at `root`, else psutil, else none. It is chosen once."""
    if proc.is_at(root):
        return ByProc(root)
    try:
        from . import processes_elsewhere as elsewhere  # noqa: PLC0415 - not needed with /proc
    except ImportError:
        return UnsupportedProcesses(
            "this system has no /proc, and the Python package psutil, which replaces it, is not installed"
        )
    return (
        elsewhere.ByPsutil()
        if elsewhere.works()
        else UnsupportedProcesses("/proc is not mounted, and this system has no other source of process facts")
    )


def command_lines() -> Iterator[tuple[int, str]]:
    """The processes of this user in this pid namespace, each with its command line as one text."""
    return table_at(proc.ROOT).command_lines()


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _runs(file: str) -> bool:
    return os.path.isfile(file) and os.access(file, os.X_OK)
