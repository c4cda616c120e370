"""The interfaces of the ports, so that all other rooms can also run with fakes.

A method that looks returns `Present`, `Absent` or `Unknown`, and does not raise. A method that does something raises
`ReconcilerError`, with the message of the other program in `detail`.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct, field

from reconciler.model.desired import Git
from reconciler.model.observed import Observed
from reconciler.model.obstacle import Obstacle
from reconciler.model.problem import Problem
from reconciler.model.redacted import Redacted
from reconciler.model.snapshot import Folder, OpenFileLimit, Pane, TmuxState, TmuxTarget, Worktree
from reconciler.model.stored import Entry

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.model.broker import Broker, Survey

Row: TypeAlias = tuple[object, ...]


class NewSession(Redacted, frozen=True):
    """A session to start. `argv` runs in `cwd` without a shell; `lineage` to `project` are its tags.

    `env` becomes part of the session's environment, which everyone with access to the tmux server can read. `secrets`
    reach only the process of the agent.
    """

    name: str
    cwd: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    lineage: str = ""
    address: str = ""
    conversation: str = ""
    project: str = ""
    path: tuple[str, ...] = ()
    """Folders to put before the PATH, if `env` and `secrets` have none."""


class SessionTags(Struct, frozen=True):
    """The tags of a session that is ours: what `Pane` says of each. An empty `project` leaves that tag as it is."""

    lineage: str
    address: str
    conversation: str
    project: str = ""


class Failure(Struct, frozen=True):
    """Why a session was not started. `lost` means that tmux or the session ended during the start."""

    message: str
    lost: bool = False


class ListeningProcess(Struct, frozen=True):
    """A process that listens on a port: the uid, and the pid, which is 0 when this user cannot see it."""

    user: int
    pid: int = 0


class TypingResult(StrEnum):
    """The result of sending keys to a pane."""

    DONE = "done"
    HELD = "held"  # not sent: the screen showed a forbidden text, or lacked a required one
    GONE = "gone"  # not sent: the pane is dead, missing, or another one now


Texts: TypeAlias = Sequence[Sequence[str]]
"""Groups of texts. A group is found on a screen that shows all of its texts, in upper or lower case.

Only ASCII letters, digits and single spaces are compared.
"""


class Tmux(Protocol):
    """One tmux server.

    A method with a `TmuxTarget` acts on exactly that target: tmux compares and acts in one step.
    """

    def look(self) -> Observed[TmuxState]:
        """All panes of all sessions at one moment, from one tmux process. `Absent` when there is no server."""

    def room(self, server: int) -> Observed[OpenFileLimit]:
        """How many files the server with this pid may open and has open. 0 means a server that would be started.

        Raises ReconcilerError when a server would be started and tmux is too old, and Refused when the running server
        would end with its last terminal.
        """

    def ending_hooks(self) -> str:
        """A hook that may have ended a session right after its start, in words for the user; empty when none is found.

        Raises ReconcilerError when tmux does not answer.
        """

    def tidy(self) -> bool:
        """End what killed commands left on the server; False when there was nothing."""

    @property
    def socket_path(self) -> str:
        """The path of the server's socket."""

    def obstacle(self) -> Problem | None:
        """What prevents a server from being started or reached at this socket; None if nothing does."""

    def look_at(self, socket: str) -> Observed[TmuxState]:
        """Like `look`, at the server with another socket, given by path or name."""

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        """Start and tag sessions. Yields one answer for each, in order, as soon as it is known.

        The work is done while the caller iterates. A returned pane is as it was right after its creation; its agent
        may have ended since.
        """

    def end(self, targets: Sequence[TmuxTarget]) -> tuple[str, ...]:
        """End these sessions; of a guest, only its pane. Returns for each why it still exists, or an empty text.

        The last pane of a session that is not ours stays; the caller must end its process.
        """

    def rename(self, target: TmuxTarget, name: str) -> None:
        """Rename a session. Raises when it is another session now, or the name is taken, or tmux would change it."""

    def tag(self, target: TmuxTarget, wanted: SessionTags) -> None:
        """Tag a session as ours. Raises when it is another session now."""

    def type_line(self, target: TmuxTarget, text: str) -> bool:
        """Type `text` and Enter into a pane; False when it is dead, missing, or another one now.

        Control characters are left out.
        """

    def paste(self, target: TmuxTarget, text: str, unless: Texts = ()) -> TypingResult:
        """Paste `text` into a pane, bracketed if its program asked for that. Copy mode ends.

        Nothing is pasted while one of `unless` is on the screen; tmux checks and pastes in one step. The text is not
        changed, so the caller must remove control characters.
        """

    def press(self, target: TmuxTarget, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> TypingResult:
        """Press keys, given by their tmux names. Copy mode ends. `unless` works as in `paste`.

        With `only`, keys are pressed only while one of these is on the screen.
        """

    def blank_panes(self) -> frozenset[str]:
        """The ids of panes that have shown nothing yet; empty when tmux does not answer."""

    def screen(self, pane_id: str, lines: int = 15) -> str:
        """The last lines of a pane, dead or alive; empty when it is missing.

        Blank lines are not counted. Several blank lines between others become one.
        """

    def picture(self, pane_id: str, *, history: bool = False) -> str:
        """What a pane shows, dead or alive, in its colours; with `history`, also what scrolled away.

        Empty when it is gone.
        """


class Processes(Protocol):
    """The processes and programs of this machine."""

    def unsupported(self) -> str:
        """Why this system gives no facts about processes; empty when it does."""

    def started(self, pid: int) -> Observed[int]:
        """The start of a process, to distinguish it from a later one with the same pid. A zombie is `Absent`.

        Clock ticks since boot on Linux, Unix seconds on other systems. Use it only to compare.
        """

    def since(self, pid: int) -> Observed[int]:
        """The start of a process in Unix seconds, exact to about one second. A zombie is `Absent`."""

    def user(self, pid: int) -> str:
        """The owner's name; empty for our own processes, and when unknown."""

    def socket_path(self, pid: int) -> str:
        """The path of the Unix socket on which a process listens; empty when unknown."""

    def terminate(self, pid: int) -> None:
        """Ask the process group that `pid` leads, else `pid` alone, to end. An ended process is fine."""

    def family(self, pid: int, *, wrapped: bool = False) -> tuple[int, ...]:
        """The process and its descendants in the same terminal session, itself first; empty when it has ended.

        With `wrapped`, also those that left the session and still read from its terminal.
        """

    def foreground(self, pid: int, *, wrapped: bool = False) -> tuple[tuple[str, ...], ...]:
        """The command lines of the processes in the family of `pid` that read the keys of its terminal.

        Empty when unknown.
        """

    def inner_pid(self, pid: int) -> int:
        """The pid that a process has in its own pid namespace; `pid` when it is in ours, or when unknown."""

    def called(self, pid: int) -> tuple[int, ...]:
        """The processes in inner pid namespaces that have this pid there; empty when unknown."""

    def ancestry(self, pid: int) -> tuple[tuple[int, str], ...]:
        """The process, its parent, its grandparent and so on, each with the name of its program.

        Empty when unknown.
        """

    def sessions(self) -> Mapping[int, tuple[int, ...]]:
        """The live processes of each terminal session, by the pid of the session leader, dead or alive.

        Empty when unknown.
        """

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths of the open files; `Unknown` if the system does not list them."""

    def locked_files(self, pid: int, *, wrapped: bool = False) -> tuple[str, ...]:
        """The files on which the family of `pid` has an exclusive flock(2); empty when unknown."""

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """The exclusive flock(2)s of each terminal session, by the pid of the session leader, dead or alive.

        Use the names of the locks only to compare.
        """

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that have one of these files open, as far as this user can see them."""

    def words(self, pid: int) -> tuple[str, ...]:
        """The words of the command line; empty when the process has ended, or when unknown."""

    def started_with(self, words: Sequence[str]) -> tuple[int, ...]:
        """The live processes of this user with exactly this command line; empty when unknown."""

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """The processes that listen on a TCP port of this machine; empty when unknown."""

    def version(self, program: str, env: Mapping[str, str]) -> Observed[str]:
        """The version that a program prints in this environment; `Unknown` when it prints nothing in time."""

    def find(self, command: str, path: str) -> Observed[str]:
        """The program file that runs for `command` with the search path `path`."""


class Files(Protocol):
    """Files, folders and git worktrees. Every path is absolute."""

    def folder(self, path: str) -> Observed[Folder]:
        """What is at `path`. This is cheap: of a worktree, only the repository and the branch are read."""

    def worktree(self, path: str) -> Observed[Worktree]:
        """The worktree at `path` with its uncommitted and unpushed work, from git.

        `Absent` when there is no folder, or when it is not a worktree.
        """

    def obstacle(self, path: str, git: Git | None) -> Obstacle | None:
        """What prevents a workspace from being created at `path`, where nothing is yet. With `git`, asks git too."""

    def real(self, path: str) -> str:
        """The path with all symbolic links resolved, as far as it exists."""

    def facts(self, path: str) -> Observed[tuple[float, int]]:
        """The time of the last change in Unix seconds, and the size in bytes."""

    def distrust(self, path: str) -> str:
        """Why another user may have written a path; empty when only this user can write it, or it is missing.

        A link counts as its target.
        """

    def distrust_all(self, path: str) -> str:
        """Like `distrust`, for a file, or for a folder and everything below it. Links are not followed."""

    def mark(self, path: str) -> Hashable:
        """A value that changes whenever the file is written, replaced or deleted, or a folder gets or loses an entry.

        None when that cannot be guaranteed: for a link, an unreadable path, and for some seconds after a change,
        because the next change may have the same time in the file system.
        """

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        """At most `limit` bytes of a file, from byte `start` on."""

    def find(self, pattern: str) -> Observed[tuple[str, ...]]:
        """The sorted paths that match a glob pattern (`*`, `?`, `[...]`; no `**`).

        `Absent` when the folder before the first wildcard is missing; `Unknown` when a folder on the way cannot be
        read.
        """

    def query(self, path: str, statement: str, parameters: tuple[str, ...]) -> Observed[tuple[Row, ...]]:
        """The rows of a query in an SQLite database, opened read-only. `Absent` if the file or table is missing."""

    def contains(self, path: str, needle: bytes) -> Observed[bool]:
        """Whether `needle` is in a file of any size."""

    def tree(self, path: str) -> Observed[tuple[Entry, ...]]:
        """The entry of `path`, then of everything in it if it is a folder. Links are not followed."""

    def delete(self, path: str, root: str) -> None:
        """Delete a file, or a folder with everything in it, below the folder `root`. A missing path is fine.

        Raises when the path or a folder between `root` and it is a link, and when it belongs to another user or has
        another hard link.
        """

    def copy(self, path: str, target: str) -> None:
        """Copy a file of any size. Only its owner can read the copy. A partial copy is removed."""

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Replace a file atomically and durably: a reader sees either the old or the new content."""

    def make_folder(self, path: str, mode: int = 0o777) -> None:
        """Create a folder and its parents if missing."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder. Raises when it is not empty."""

    def add_worktree(self, path: str, git: Git) -> None:
        """Create a worktree at `path`. A missing branch starts at `git.base`, else at the repository's HEAD."""

    def remove_worktree(self, path: str, repo: str) -> None:
        """Remove a clean worktree. Raises when it has uncommitted work."""


class Brokers(Protocol):
    """Message brokers on this machine: their files and their processes."""

    def survey(self, broker: Broker) -> Observed[Survey]:
        """Compare a broker with its declaration. Nothing is written."""

    def converge(self, address: Address) -> None:
        """Write the files from the survey of a broker, and check that it works with them.

        If it does not work, the last good files are restored, and it raises.
        """

    def process(self, directory: str) -> Observed[int]:
        """The pid of the broker that uses the files in this directory, if it runs."""

    def stop(self, directory: str) -> None:
        """End the broker that uses the files in this directory, if it runs. The files stay."""


class Clock(Protocol):
    """The clock."""

    def now(self) -> datetime:
        """The current time in UTC, with its time zone."""

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring durations."""

    def wait(self, seconds: float) -> None:
        """Sleep."""


class World:
    """All ports together."""

    def __init__(self, tmux: Tmux, processes: Processes, files: Files, clock: Clock, brokers: Brokers) -> None:
        self.tmux = tmux
        self.processes = processes
        self.files = files
        self.clock = clock
        self.brokers = brokers
