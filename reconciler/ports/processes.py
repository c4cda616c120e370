"""Processes and programs of this machine."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown

from .world import Listener

_GONE = (FileNotFoundError, ProcessLookupError)
_VERSION_SECONDS = 10
_ACCEPTS = 0x10000  # __SO_ACCEPTCON of include/linux/net.h
_LISTEN = "0A"  # TCP_LISTEN of include/net/tcp_states.h


class RealProcesses:
    """What the kernel says, through /proc where there is one and through ps elsewhere."""

    def started(self, pid: int) -> Observed[int]:
        """When a process started, to tell it from a later one with its pid; a zombie is `Absent`.

        Clock ticks since boot on Linux (proc_pid_stat(5), field 22), Unix seconds elsewhere.
        """
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
                return start_ticks(file.read())
        except _GONE:
            return _hidden(pid) if os.path.exists("/proc/self/stat") else _started_by_ps(pid)
        except OSError as error:
            return Unknown(f"process {pid}: {error.strerror}")

    def since(self, pid: int) -> Observed[int]:
        """When a process started, in Unix seconds and to about a second; a zombie is `Absent`."""
        found = self.started(pid)
        if not isinstance(found, Present) or not os.path.exists("/proc/self/stat"):
            return found
        return Present(_boot_time() + found.value // os.sysconf("SC_CLK_TCK"))

    def user(self, pid: int) -> str:
        """The name of the user whose process it is, its number without one; empty for our own, and without /proc."""
        owner = _owner(pid)
        return "" if owner in {-1, os.geteuid()} else _user_name(owner)

    def door(self, pid: int) -> str:
        """The path of the socket on which a process waits for clients; empty without /proc, or for another user's.

        It is the path that the socket was bound to (unix(7)), also when nothing is there any more.
        """
        opened = self.open_files(pid)
        held = set(opened.value) if isinstance(opened, Present) else set()
        return next((path for socket, path in _waiting(_text("/proc/net/unix")) if socket in held), "")

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

        What left the session (setsid(2)) is meant to live on, and may serve others. Without /proc only
        the process itself is known.
        """
        if isinstance(self.started(pid), Absent):
            return ()
        return tuple(_descendants(pid, _session(pid)))

    def foreground(self, pid: int) -> tuple[tuple[str, ...], ...]:
        """The command lines of those in the family of `pid` that read what is typed into its terminal.

        Those are in the terminal's foreground process group (proc_pid_stat(5), fields 5 and 8). Empty without /proc.
        """
        reading = (each for each in self.family(pid) if _is_in_foreground(_bytes(f"/proc/{each}/stat")))
        return tuple(words for each in reading if (words := self.words(each)))

    def ancestry(self, pid: int) -> tuple[tuple[int, str], ...]:
        """The process and those that it descends from, itself first, each with the name of its program.

        The name is cut after 15 characters (proc_pid_comm(5)). Empty without /proc.
        """
        return tuple(_ancestry(pid))

    def sessions(self) -> Mapping[int, tuple[int, ...]]:
        """The living processes of each terminal session, by the pid of the one that leads or led it.

        Linux gives no new process the number of a session that still has members (kernel/pid.c). Empty
        without /proc.
        """
        found: dict[int, tuple[int, ...]] = {}
        for pid in _all_processes():
            if isinstance(self.started(pid), Present) and (session := _session(pid)):
                found[session] = (*found.get(session, ()), pid)
        return found

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths behind the process' descriptors (proc_pid_fd(5)); `Unknown` without /proc, or another user's."""
        folder = f"/proc/{pid}/fd"
        try:
            return Present(tuple(filter(None, (_behind(f"{folder}/{number}") for number in os.listdir(folder)))))
        except _GONE:
            return ABSENT
        except OSError as error:
            return Unknown(f"process {pid}: {error.strerror}")

    def locked_files(self, pid: int) -> tuple[str, ...]:
        """The files on which one of the family of `pid` has taken an exclusive flock(2) (proc_pid_fdinfo(5)).

        Empty without /proc.
        """
        return tuple(path for member in self.family(pid) for path in _locked(member))

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """Each exclusive flock(2) of this machine (proc_locks(5)), as its process, device and inode, by session.

        A /proc may be without it (subset=pid in proc(5)).
        """
        found: dict[int, set[str]] = {}
        try:
            with open("/proc/locks", encoding="ascii") as file:
                table = file.read()
        except OSError as error:
            return Unknown(f"/proc/locks: {error.strerror}")
        for pid, lock in _exclusive_locks(table):
            found.setdefault(_session(int(pid)), set()).add(f"{pid} {lock}")
        return Present({session: frozenset(locks) for session, locks in found.items()})

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that have one of these files open; other users' are not seen, and without /proc none."""
        found: dict[str, tuple[int, ...]] = {}
        for pid in _all_processes():
            opened = self.open_files(pid)
            for path in set(opened.value if isinstance(opened, Present) else ()).intersection(paths):
                found[path] = (*found.get(path, ()), pid)
        return found

    def words(self, pid: int) -> tuple[str, ...]:
        """The words that a process was started with (proc_pid_cmdline(5)); none of a zombie, nor without /proc."""
        return tuple(word for word in _text(f"/proc/{pid}/cmdline").split("\0") if word)

    def started_with(self, words: Sequence[str]) -> tuple[int, ...]:
        """The living processes of this user that were started with exactly these words; none without /proc."""
        wanted, me = tuple(words), os.geteuid()
        return tuple(pid for pid in _all_processes() if self.words(pid) == wanted and _owner(pid) == me)

    def listeners(self, port: int) -> tuple[Listener, ...]:
        """Who listens on a TCP port of this network namespace; of other users' processes only the user is seen."""
        found = dict(_listening(_text("/proc/net/tcp") + _text("/proc/net/tcp6"), port))
        holders = self.holders(found)
        return tuple(Listener(user, pid) for socket, user in found.items() for pid in holders.get(socket, (0,)))

    def version(self, program: str, env: Mapping[str, str]) -> Observed[str]:
        """The first line that `program --version` prints; `Unknown` when it fails, or takes longer than 10 s."""
        import subprocess  # noqa: PLC0415 - few looks need it

        try:
            done = subprocess.run(
                [program, "--version"],
                env=dict(env),
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_SECONDS,
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return Unknown(f"{program} --version: {error}")
        said = done.stdout.decode(errors="replace").strip().partition("\n")[0]
        return Present(said) if said and not done.returncode else Unknown(f"{program} --version says nothing")

    def find(self, command: str, path: str) -> Observed[str]:
        """The file that runs as `command` under the search path `path`, by the rules of execvp(3)."""
        if os.sep in command:
            candidates = [command]
        else:
            candidates = [os.path.join(folder, command) for folder in path.split(os.pathsep) if folder]
        found = next(filter(_runs, candidates), None)
        return Present(found) if found else ABSENT


def command_lines() -> Iterator[tuple[int, str]]:
    """The processes of this user in this pid namespace, each with the words that it was started with in one line."""
    if not os.path.exists("/proc/self/stat"):
        with suppress(OSError):
            yield from _listed(_printed(["ps", "-A", "-ww", "-o", "pid=,uid=,args="]))
        return
    me, here = os.geteuid(), _behind("/proc/self/ns/pid")
    for pid in _all_processes():
        if _owner(pid) == me and (line := _text(f"/proc/{pid}/cmdline")) and _behind(f"/proc/{pid}/ns/pid") == here:
            yield pid, line.rstrip("\0").replace("\0", " ")


def start_ticks(stat: bytes) -> Observed[int]:
    """The start time in the content of /proc/PID/stat; a zombie is `Absent`."""
    fields = _fields(stat)
    if len(fields) < 20 or not fields[19].isdigit():
        return Unknown("the kernel's process table has an unknown form")
    return ABSENT if fields[0] in (b"Z", b"X") else Present(int(fields[19]))


def _listening(table: str, port: int) -> Iterator[tuple[str, int]]:
    """The sockets that listen on the port, as descriptors name them, and their users (proc_pid_net(5))."""
    for line in table.splitlines():
        fields = line.split()
        # sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
        if len(fields) > 9 and fields[3] == _LISTEN and fields[1].endswith(f":{port:04X}"):
            yield f"socket:[{fields[9]}]", int(fields[7])


def _waiting(table: str) -> Iterator[tuple[str, str]]:
    """The sockets of this machine that take connections, as descriptors name them, and their paths (proc_net(5))."""
    for line in table.splitlines()[1:]:
        # num refcount protocol flags type state inode path
        fields = line.split(None, 7)
        if len(fields) == 8 and int(fields[3], 16) & _ACCEPTS:
            yield f"socket:[{fields[6]}]", fields[7]


def _user_name(number: int) -> str:
    import pwd  # noqa: PLC0415 - only where another user's process is in the way

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _hidden(pid: int) -> Observed[int]:
    """Absent, unless /proc only hides it: hidepid in proc(5)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return Unknown(f"process {pid} is another user's, and /proc hides it")
    except (OSError, OverflowError):
        return ABSENT
    return ABSENT


def _owner(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:  # it has just ended
        return -1


def _fields(stat: bytes) -> list[bytes]:
    """The content of /proc/PID/stat from the state on, its third field."""
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    return stat[stat.rfind(b")") + 2 :].split()


def _is_in_foreground(stat: bytes) -> bool:
    """Whether its process group is the one that its terminal gives the keys to."""
    fields = _fields(stat)
    return len(fields) > 5 and fields[2] == fields[5]


def _boot_time() -> int:
    """When the machine was started, in Unix seconds (proc_stat(5))."""
    found = re.search(r"^btime (\d+)$", _text("/proc/stat"), re.MULTILINE)
    return int(found[1]) if found else 0


def _all_processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _descendants(pid: int, session: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        if _session(child) == session:
            yield from _descendants(child, session)


def _ancestry(pid: int) -> Iterator[tuple[int, str]]:
    while pid and (stat := _text(f"/proc/{pid}/stat")):
        head, _, rest = stat.rpartition(")")
        yield pid, head.partition("(")[2]
        pid = int(rest.split()[1])


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:  # it has just ended, or the system does not let us ask
        return 0


def _children(pid: int) -> list[int]:
    """The children of all threads of a process (proc_tid_children(5))."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        lists = [_text(f"/proc/{pid}/task/{thread}/children") for thread in threads]
    except OSError:
        return []
    return [int(number) for text in lists for number in text.split()]


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


def _locked(pid: int) -> Iterator[str]:
    """The files that this very process has locked, not one that passed its descriptor on."""
    for number in _numbers(f"/proc/{pid}/fd"):
        path = _behind(f"/proc/{pid}/fd/{number}")
        # What is no file has no path, and many CLIs have more of that than of files.
        if path.startswith(os.sep):
            locks = re.findall(r"^lock:\t(.*)$", _text(f"/proc/{pid}/fdinfo/{number}"), re.MULTILINE)
            yield from (path for lock in locks if str(pid) in dict(_exclusive_locks(lock)))


def _exclusive_locks(table: str) -> Iterator[tuple[str, str]]:
    """The process that took each exclusive flock(2), and the device and inode that it took."""
    for line in table.splitlines():
        # number: FLOCK ADVISORY WRITE pid major:minor:inode start end; one that waits has an arrow before FLOCK
        fields = line.split()
        if fields[1:4:2] == ["FLOCK", "WRITE"] and fields[4].isdigit():
            yield fields[4], fields[5]


def _behind(descriptor: str) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:  # it has just been closed
        return ""


def _runs(file: str) -> bool:
    return os.path.isfile(file) and os.access(file, os.X_OK)


def _listed(printed: str) -> Iterator[tuple[int, str]]:
    """The processes of this user in what ps tells of all: pid, user and command line."""
    for line in printed.splitlines():
        pid, user, words = (*line.split(None, 2), "", "")[:3]
        if pid.isdigit() and user == str(os.geteuid()):
            yield int(pid), words


def _printed(command: Sequence[str]) -> str:
    """What ps prints; OSError when it cannot be run, or gives no answer."""
    import subprocess  # noqa: PLC0415 - not needed where there is /proc

    kept = {name: os.environ[name] for name in ("TZ",) if name in os.environ}
    environment = {"PATH": os.defpath, "LC_ALL": "C", **kept}
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=10)
    except subprocess.TimeoutExpired as error:
        raise OSError(str(error)) from error
    return done.stdout


def _started_by_ps(pid: int) -> Observed[int]:
    import time  # noqa: PLC0415 - not needed where there is /proc

    try:
        state, _, started = _printed(["ps", "-o", "stat=,lstart=", "-p", str(pid)]).strip().partition(" ")
        if not state or state.startswith("Z"):
            return ABSENT
        return Present(int(time.mktime(time.strptime(started.strip(), "%a %b %d %H:%M:%S %Y"))))
    except (OSError, ValueError) as error:
        return Unknown(f"process {pid}: ps does not tell: {error}")
