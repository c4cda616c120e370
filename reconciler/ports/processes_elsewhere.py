"""Processes where there is no /proc, as on macOS: through psutil, and through ps for what psutil does not tell."""

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
    """What psutil says; every answer is as promised in `ProcessTable`, and another user's processes tell little."""

    blind = ""

    def started(self, pid: int) -> Observed[int]:
        """In Unix seconds."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return ABSENT
            return Present(int(process.create_time()))
        except (psutil.NoSuchProcess, ValueError):  # zombies, too; no process has a negative number
            return ABSENT
        except (psutil.Error, OSError) as error:
            return Unknown(f"process {pid}: {error}")

    def since(self, pid: int) -> Observed[int]:
        """The same."""
        return self.started(pid)

    def owner(self, pid: int) -> int:
        """The effective user."""
        try:
            return psutil.Process(pid).uids().effective
        except _NO_ANSWER:
            return NOBODY

    def pids(self) -> Sequence[int]:
        """Those of all users."""
        return psutil.pids()

    def parent(self, pid: int) -> tuple[str, int] | None:
        """The name of the program's file."""
        try:
            process = psutil.Process(pid)
            return process.name(), process.ppid()
        except _NO_ANSWER:
            return None

    def children(self, pid: int) -> Sequence[int]:
        """By the parents of all processes."""
        try:
            return [child.pid for child in psutil.Process(pid).children()]
        except _NO_ANSWER:
            return []

    def words(self, pid: int) -> tuple[str, ...]:
        """None of a zombie, nor of another user's process."""
        try:
            return tuple(word for word in psutil.Process(pid).cmdline() if word)
        except _NO_ANSWER:
            return ()

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:
        """By the foreground process group of the terminal, which only ps tells."""
        return tuple(_in_foreground(_printed_by_ps("pid=,pgid=,tpgid=", pids))) if pids else ()

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """Only files; `Unknown` for another user's process."""
        try:
            return Present(tuple(each.path for each in psutil.Process(pid).open_files()))
        except psutil.NoSuchProcess:
            return ABSENT
        except _NO_ANSWER as error:
            return Unknown(f"process {pid}: {error}")

    def locked_files(self, pid: int) -> Iterable[str]:  # noqa: ARG002 - the same question everywhere
        """Never any: see `locks`."""
        return ()

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """No system call tells who has taken an flock(2)."""
        return Unknown("this system has no /proc, and only that tells who holds the lock of a file")

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """Only those of this user, unless root asks."""
        return tuple(ListeningProcess(self.owner(pid), pid) for pid in self.pids() if _listens(pid, port))

    def door(self, pid: int) -> str:
        """The path of the first socket that it has bound: those of its clients have the same one."""
        try:
            sockets = psutil.Process(pid).net_connections("unix")
        except _NO_ANSWER:
            return ""
        return next((path for path in map(_path, sockets) if path), "")

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """Pid namespaces are Linux's own."""
        me = os.geteuid()
        for pid in self.pids():
            if self.owner(pid) == me and (words := self.words(pid)):
                yield pid, " ".join(words)


def sees() -> bool:
    """Whether psutil can look here: on Linux it cannot without /proc."""
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
    """What ps prints of these processes; nothing when it cannot be run, or does not answer in time."""
    command = ["ps", "-o", columns, "-p", ",".join(map(str, pids))]
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=_LONGEST)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
