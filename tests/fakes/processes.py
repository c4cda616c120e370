"""A process table in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.ports.world import ListeningProcess


@dataclass
class FakeProcesses:
    """`alive` maps pid to start time, `endings` maps pid to (status, signal) of what has ended.

    Every command is installed in /usr/bin, except those in `missing`. A pid in `stubborn` ignores
    SIGTERM and SIGHUP, and one in `foreign` is another user's.
    `children`, `parents` (with their names), `opened`, `locked`, `born` (Unix seconds, 0 unless said),
    `said` (the words it was started with), `ports` (the one that it listens on), `reading` (the command lines
    in its terminal's foreground), `names` (its program), `users` (another one's), `doors` (its socket),
    `unreadable` (why its start cannot be told), `beyond` (its descendants in other sessions of its terminal) and
    `inner` (its pid in its own namespace) are what a test says of a process, and `versions` what programs say of
    theirs.
    """

    alive: dict[int, int] = field(default_factory=dict)
    endings: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    stubborn: set[int] = field(default_factory=set)
    foreign: set[int] = field(default_factory=set)
    children: dict[int, tuple[int, ...]] = field(default_factory=dict)
    parents: dict[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    opened: dict[int, tuple[str, ...]] = field(default_factory=dict)
    locked: dict[int, tuple[str, ...]] = field(default_factory=dict)
    hides_locks: bool = False
    why_blind: str = ""
    born: dict[int, int] = field(default_factory=dict)
    said: dict[int, tuple[str, ...]] = field(default_factory=dict)
    ports: dict[int, int] = field(default_factory=dict)
    reading: dict[int, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)
    doors: dict[int, str] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)
    beyond: dict[int, tuple[int, ...]] = field(default_factory=dict)
    inner: dict[int, int] = field(default_factory=dict)
    _pids: count = field(default_factory=lambda: count(1000))

    def spawn(self) -> int:
        pid = next(self._pids)
        self.alive[pid] = pid * 100
        return pid

    def exit(self, pid: int, status: int | None = 0, signal: str = "") -> None:
        if self.alive.pop(pid, None) is not None:
            self.endings[pid] = (status, signal)

    def hang_up(self, pid: int) -> None:
        if pid not in self.stubborn:
            self.exit(pid, None, "1")

    def unsupported(self) -> str:
        return self.why_blind

    def started(self, pid: int) -> Observed[int]:
        if pid in self.unreadable:
            return Unknown(self.unreadable[pid])
        return Present(self.alive[pid]) if pid in self.alive else ABSENT

    def since(self, pid: int) -> Observed[int]:
        return Present(self.born.get(pid, 0)) if pid in self.alive else ABSENT

    def user(self, pid: int) -> str:
        return self.users.get(pid, "")

    def socket_path(self, pid: int) -> str:
        return self.doors.get(pid, "")

    def terminate(self, pid: int) -> None:
        if pid < 2:
            raise ReconcilerError(f"{pid} is not the pid of an agent")
        if pid in self.foreign:
            raise ReconcilerError(f"process {pid} belongs to another user")
        if pid not in self.stubborn:
            self.exit(pid, None, "15")

    def family(self, pid: int, *, wrapped: bool = False) -> tuple[int, ...]:
        away = self.beyond.get(pid, ()) if wrapped else ()
        return (pid, *self.children.get(pid, ()), *away) if pid in self.alive else ()

    def foreground(self, pid: int, *, wrapped: bool = False) -> tuple[tuple[str, ...], ...]:
        away = tuple(self.words(each) for each in self.beyond.get(pid, ())) if wrapped else ()
        return (*self.reading.get(pid, ()), *away) if pid in self.alive else ()

    def inner_pid(self, pid: int) -> int:
        return self.inner.get(pid, pid)

    def called(self, pid: int) -> tuple[int, ...]:
        return tuple(outer for outer, own in self.inner.items() if own == pid and outer in self.alive)

    def ancestry(self, pid: int) -> tuple[tuple[int, str], ...]:
        return ((pid, self.names.get(pid, "sleep")), *self.parents.get(pid, ())) if pid in self.alive else ()

    def sessions(self) -> Mapping[int, tuple[int, ...]]:
        found = {pid: (pid, *self.children.get(pid, ())) for pid in (*self.alive, *self.children)}
        return {leader: alive for leader, pids in found.items() if (alive := tuple(p for p in pids if p in self.alive))}

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        return Present(self.opened.get(pid, ())) if pid in self.alive else ABSENT

    def locked_files(self, pid: int, *, wrapped: bool = False) -> tuple[str, ...]:
        return tuple(path for member in self.family(pid, wrapped=wrapped) for path in self.locked.get(member, ()))

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        if self.hides_locks:
            return Unknown("no table")
        return Present(
            {
                leader: frozenset(f"{pid} {path}" for pid in pids for path in self.locked.get(pid, ()))
                for leader, pids in self.sessions().items()
            }
        )

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        found = {path: tuple(pid for pid in self.alive if path in self.opened.get(pid, ())) for path in paths}
        return {path: pids for path, pids in found.items() if pids}

    def words(self, pid: int) -> tuple[str, ...]:
        return self.said.get(pid, ()) if pid in self.alive else ()

    def started_with(self, words: Sequence[str]) -> tuple[int, ...]:
        return tuple(pid for pid in self.alive if self.words(pid) == tuple(words))

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        return tuple(ListeningProcess(0, pid) for pid, its in self.ports.items() if its == port and pid in self.alive)

    def version(self, program: str, env: Mapping[str, str]) -> Observed[str]:  # noqa: ARG002 - the same in every one
        said = self.versions.get(program)
        return Present(said) if said else Unknown(f"{program} --version printed nothing, or failed")

    def find(self, command: str, path: str) -> Observed[str]:  # noqa: ARG002 - every path leads to /usr/bin
        if command in self.missing:
            return ABSENT
        return Present(command if "/" in command else f"/usr/bin/{command}")
