"""Process facts on systems without /proc, such as macOS: from psutil, and from ps where psutil has no answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence

import psutil

from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from .process_table import NOBODY
from .world import ListeningProcess

_NO_ANSWER = (psutil.Error, OSError, ValueError)
_LONGEST = 10  # seconds that ps may take


class ByPsutil:
    """A `ProcessTable` from psutil. The docstrings say only what is special. Other users' processes show few facts."""

    unsupported = ""

    def started(self, pid: int) -> Observed[int]:
        """In Unix seconds."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return ABSENT
            return Present(int(process.create_time()))
        except (psutil.NoSuchProcess, ValueError):  # also for zombies; ValueError for a negative pid
            return ABSENT
        except (psutil.Error, OSError) as error:
            return Unknown(f"process {pid}: {error}")

    def since(self, pid: int) -> Observed[int]:
        """The same as `started`."""
        return self.started(pid)

    def owner(self, pid: int) -> int:
        """The effective user."""
        try:
            return psutil.Process(pid).uids().effective
        except _NO_ANSWER:
            return NOBODY

    def pids(self) -> Sequence[int]:
        """From all users."""
        return psutil.pids()

    def parent(self, pid: int) -> tuple[str, int] | None:
        """The name of the program's file."""
        try:
            process = psutil.Process(pid)
            return process.name(), process.ppid()
        except _NO_ANSWER:
            return None

    def children(self, pid: int) -> Sequence[int]:
        """From the parents of all processes."""
        try:
            return [child.pid for child in psutil.Process(pid).children()]
        except _NO_ANSWER:
            return []

    def words(self, pid: int) -> tuple[str, ...]:
        """Empty for a zombie and for another user's process."""
        try:
            return tuple(word for word in psutil.Process(pid).cmdline() if word)
        except _NO_ANSWER:
            return ()

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:
        """From the foreground process group of the terminal, which only ps shows."""
        return tuple(_in_foreground(_printed_by_ps("pid=,pgid=,tpgid=", pids))) if pids else ()

    def standard_input(self, pid: int) -> str:  # noqa: ARG002 - the interface has the argument
        """Always empty: psutil shows files only."""
        return ""

    def inner_pid(self, pid: int) -> int:
        """The same: only Linux has pid namespaces."""
        return pid

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """Only files; `Unknown` for another user's process."""
        try:
            return Present(tuple(each.path for each in psutil.Process(pid).open_files()))
        except psutil.NoSuchProcess:
            return ABSENT
        except _NO_ANSWER as error:
            return Unknown(f"process {pid}: {error}")

    def locked_files(self, pid: int) -> Iterable[str]:  # noqa: ARG002 - the interface has the argument
        """Always empty, see `locks`."""
        return ()

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """Always `Unknown`: no system call lists the holders of an flock(2)."""
        return Unknown("this system has no /proc, and only /proc shows which process has locked a file")

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """Only processes of this user, unless this user is root."""
        return tuple(ListeningProcess(self.owner(pid), pid) for pid in self.pids() if _listens(pid, port))

    def socket_path(self, pid: int) -> str:
        """The path of its first bound socket. The sockets of its clients have the same path."""
        try:
            sockets = psutil.Process(pid).net_connections("unix")
        except _NO_ANSWER:
            return ""
        return next((path for path in map(_path, sockets) if path), "")

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """From all processes of this user; only Linux has pid namespaces."""
        me = os.geteuid()
        for pid in self.pids():
            if self.owner(pid) == me and (words := self.words(pid)):
                yield pid, " ".join(words)


def works() -> bool:
    """Whether psutil works here. On Linux without /proc, it does not."""
    try:
        return psutil.Process().is_running()
    except _NO_ANSWER:
        return False


def _listens(pid: int, port: int) -> bool:
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except _NO_ANSWER:
        return False
    return any(each.status == psutil.CONN_LISTEN and getattr(each.laddr, "port", 0) == port for each in sockets)


def _path(socket: object) -> str:
    """The path of a Unix socket."""
    address = getattr(socket, "laddr", "")
    return address if isinstance(address, str) else ""


def _in_foreground(printed: str) -> Iterator[int]:
    for line in printed.splitlines():
        match line.split():
            case [pid, group, foreground] if group == foreground and pid.isdigit():
                yield int(pid)
            case _:
                continue


def _printed_by_ps(columns: str, pids: Sequence[int]) -> str:
    """The output of ps for these processes; empty when ps cannot be run or does not end in time."""
    command = ["ps", "-o", columns, "-p", ",".join(map(str, pids))]
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=_LONGEST)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
