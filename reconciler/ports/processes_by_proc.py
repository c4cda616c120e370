"""Process facts on Linux, from the files in /proc (proc(5))."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.digits import number_in
from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from .process_table import NOBODY
from .world import ListeningProcess

_GONE = (FileNotFoundError, ProcessLookupError)
_ACCEPTS = 0x10000  # __SO_ACCEPTCON of include/linux/net.h
_LISTEN = "0A"  # TCP_LISTEN of include/net/tcp_states.h


class ByProc:
    """A `ProcessTable` from the folder `root`. The docstrings say only where each fact comes from."""

    unsupported = ""

    def __init__(self, root: str) -> None:
        self._root = root

    def started(self, pid: int) -> Observed[int]:
        """In clock ticks since boot (proc_pid_stat(5), field 22)."""
        try:
            with open(f"{self._root}/{pid}/stat", "rb", buffering=0) as file:
                return start_ticks(file.read())
        except _GONE:
            return _hidden(pid)
        except OSError as error:
            return Unknown(f"process {pid}: {error.strerror}")

    def since(self, pid: int) -> Observed[int]:
        """From the boot time (proc_stat(5)) and the start."""
        found = self.started(pid)
        if not isinstance(found, Present):
            return found
        boot = re.search(r"^btime (\d+)$", _text(f"{self._root}/stat"), re.MULTILINE)
        return Present((int(boot[1]) if boot else 0) + found.value // os.sysconf("SC_CLK_TCK"))

    def owner(self, pid: int) -> int:
        """The owner of the process's folder."""
        try:
            return os.stat(f"{self._root}/{pid}").st_uid
        except OSError:  # it has just ended
            return NOBODY

    def pids(self) -> Sequence[int]:
        """The folders whose name is a number."""
        return [int(name) for name in _numbers(self._root) if name.isdigit()]

    def parent(self, pid: int) -> tuple[str, int] | None:
        """From proc_pid_stat(5). The kernel cuts the name after 15 characters (proc_pid_comm(5))."""
        stat = _text(f"{self._root}/{pid}/stat")
        if not stat:
            return None
        head, _, rest = stat.rpartition(")")
        return head.partition("(")[2], int(rest.split()[1])

    def children(self, pid: int) -> Sequence[int]:
        """The children of all its threads (proc_tid_children(5))."""
        folder = f"{self._root}/{pid}/task"
        lists = [_text(f"{folder}/{thread}/children") for thread in _numbers(folder)]
        return [int(number) for text in lists for number in text.split()]

    def words(self, pid: int) -> tuple[str, ...]:
        """From proc_pid_cmdline(5); empty for a zombie."""
        return tuple(word for word in _text(f"{self._root}/{pid}/cmdline").split("\0") if word)

    def reading_keys(self, pids: Sequence[int]) -> Sequence[int]:
        """From fields 5 and 8 of proc_pid_stat(5)."""
        return [pid for pid in pids if _is_in_foreground(_bytes(f"{self._root}/{pid}/stat"))]

    def standard_input(self, pid: int) -> str:
        """The target of descriptor 0 (proc_pid_fd(5))."""
        return _behind(f"{self._root}/{pid}/fd/0")

    def inner_pid(self, pid: int) -> int:
        """The last number of NSpid (proc_pid_status(5))."""
        found = re.search(r"^NSpid:.*\s(\d+)$", _text(f"{self._root}/{pid}/status"), re.MULTILINE)
        return int(found[1]) if found else pid

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The targets of its descriptors, including sockets (proc_pid_fd(5)); `Unknown` for another user's."""
        folder = f"{self._root}/{pid}/fd"
        try:
            return Present(tuple(filter(None, (_behind(f"{folder}/{number}") for number in os.listdir(folder)))))
        except _GONE:
            return ABSENT
        except OSError as error:
            return Unknown(f"process {pid}: {error.strerror}")

    def locked_files(self, pid: int) -> Iterator[str]:
        """From proc_pid_fdinfo(5), without locks that another process took before it passed the descriptor on."""
        for number in _numbers(f"{self._root}/{pid}/fd"):
            path = _behind(f"{self._root}/{pid}/fd/{number}")
            # Sockets and pipes have no path. Many CLIs have more of them than files, so skip them early.
            if path.startswith(os.sep):
                info = _text(f"{self._root}/{pid}/fdinfo/{number}")
                locks = re.findall(r"^lock:\t(.*)$", info, re.MULTILINE)
                yield from (path for lock in locks if str(pid) in dict(_exclusive_locks(lock)))

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """From proc_locks(5), named by process, device and inode. With the mount option subset=pid it is missing."""
        found: dict[int, set[str]] = {}
        try:
            with open(f"{self._root}/locks", encoding="ascii") as file:
                table = file.read()
        except OSError as error:
            return Unknown(f"{self._root}/locks: {error.strerror}")
        for pid, lock in _exclusive_locks(table):
            found.setdefault(session_of(int(pid)), set()).add(f"{pid} {lock}")
        return Present({session: frozenset(locks) for session, locks in found.items()})

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """From this network namespace. For other users' processes, only the user is known."""
        found = dict(_listening(_text(f"{self._root}/net/tcp") + _text(f"{self._root}/net/tcp6"), port))
        holders: dict[str, list[int]] = {}
        for pid in self.pids() if found else ():
            for socket in found.keys() & set(self._opened(pid)):
                holders.setdefault(socket, []).append(pid)
        return tuple(ListeningProcess(user, pid) for socket, user in found.items() for pid in holders.get(socket, (0,)))

    def socket_path(self, pid: int) -> str:
        """The path to which the socket was bound (unix(7)), even if the file was deleted since."""
        held = set(self._opened(pid))
        return next((path for socket, path in _waiting(_text(f"{self._root}/net/unix")) if socket in held), "")

    def command_lines(self) -> Iterator[tuple[int, str]]:
        """From the processes in this pid namespace."""
        me, here = os.geteuid(), _behind(f"{self._root}/self/ns/pid")
        for pid in self.pids():
            if self.owner(pid) != me or _behind(f"{self._root}/{pid}/ns/pid") != here:
                continue
            if line := _text(f"{self._root}/{pid}/cmdline"):
                yield pid, line.rstrip("\0").replace("\0", " ")

    def _opened(self, pid: int) -> tuple[str, ...]:
        found = self.open_files(pid)
        return found.value if isinstance(found, Present) else ()


def session_of(pid: int) -> int:
    """The terminal session of a process; 0 when it has just ended, or the system refuses."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def start_ticks(stat: bytes) -> Observed[int]:
    """The start time from the content of /proc/PID/stat. A zombie is `Absent`."""
    fields = _fields(stat)
    ticks = number_in(fields[19]) if len(fields) > 19 else None
    if ticks is None:
        return Unknown("/proc has an unknown format")
    return ABSENT if fields[0] in (b"Z", b"X") else Present(ticks)


def _listening(table: str, port: int) -> Iterator[tuple[str, int]]:
    """The sockets that listen on the port, named like in /proc/PID/fd, with their users (proc_pid_net(5))."""
    for line in table.splitlines():
        fields = line.split()
        # sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
        if len(fields) > 9 and fields[3] == _LISTEN and fields[1].endswith(f":{port:04X}"):
            yield f"socket:[{fields[9]}]", int(fields[7])


def _waiting(table: str) -> Iterator[tuple[str, str]]:
    """The listening Unix sockets of this machine, named like in /proc/PID/fd, with their paths (proc_net(5))."""
    for line in table.splitlines()[1:]:
        # num refcount protocol flags type state inode path
        fields = line.split(None, 7)
        if len(fields) == 8 and int(fields[3], 16) & _ACCEPTS:
            yield f"socket:[{fields[6]}]", fields[7]


def _hidden(pid: int) -> Observed[int]:
    """`Absent`, or `Unknown` if the process exists and /proc hides it (hidepid in proc(5))."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return Unknown(f"process {pid} is another user's, and /proc hides it")
    except (OSError, OverflowError):
        return ABSENT
    return ABSENT


def _fields(stat: bytes) -> list[bytes]:
    """The content of /proc/PID/stat from the state on, its third field."""
    # The second field is the program's name in parentheses. It may contain spaces and parentheses.
    return stat[stat.rfind(b")") + 2 :].split()


def _is_in_foreground(stat: bytes) -> bool:
    """Whether its process group is the foreground group of its terminal."""
    fields = _fields(stat)
    return len(fields) > 5 and fields[2] == fields[5]


def _numbers(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the process has just ended, or is another user's, or there is no /proc
        return []


def _text(path: str) -> str:
    return os.fsdecode(_bytes(path))


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # the process, or the thread, has just ended, or there is no /proc
        return b""


def _exclusive_locks(table: str) -> Iterator[tuple[str, str]]:
    """The process that took each exclusive flock(2), and the device and inode of the file."""
    for line in table.splitlines():
        # number: FLOCK ADVISORY WRITE pid major:minor:inode start end; a waiting lock has an arrow before FLOCK
        fields = line.split()
        if fields[1:4:2] == ["FLOCK", "WRITE"] and fields[4].isdigit():
            yield fields[4], fields[5]


def _behind(descriptor: str) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:  # it has just been closed
        return ""
