"""What the doors promise, so that everything above them can also run on fakes.

A looking method never raises: it answers `Present`, `Absent` or `Unknown`. A doing method raises
`ReconcilerError`, with the words of the other side in `detail`.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct, field

from reconciler.model.desired import Git
from reconciler.model.discreet import Discreet
from reconciler.model.observed import Observed
from reconciler.model.obstacle import Obstacle
from reconciler.model.problem import Problem
from reconciler.model.snapshot import Folder, OpenFileLimit, Pane, TmuxState, TmuxTarget, Worktree
from reconciler.model.stored import Entry

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.model.broker import Broker, Survey

Row: TypeAlias = tuple[object, ...]


class NewSession(Discreet, frozen=True):
    """A session to start: `argv` runs in `cwd`, without a shell; the last three fields tag it.

    `env` becomes part of the session's environment, where anybody who reaches the tmux server
    reads it; `secrets` reach the process of the agent and nothing else.
    """

    name: str
    cwd: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    lineage: str = ""
    address: str = ""
    conversation: str = ""


class Failure(Struct, frozen=True):
    """Why a session was not started, in the words of whoever refused; `lost` when tmux went away meanwhile."""

    message: str
    lost: bool = False


class ListeningProcess(Struct, frozen=True):
    """Who listens on a port: the number of the user, and the pid, 0 when that is not ours to see."""

    user: int
    pid: int = 0


class Typed(StrEnum):
    """What became of keys that were meant for a pane."""

    DONE = "done"
    HELD = "held"  # its screen showed what they must not meet
    GONE = "gone"  # it is dead, no more, or no longer the one that was meant


Texts: TypeAlias = Sequence[Sequence[str]]
"""Groups of texts; one whose texts all stand on a screen, whatever their case, is found there.

Only ASCII letters, digits and single spaces need to be the same.
"""


class Tmux(Protocol):
    """One tmux server.

    What acts on a `TmuxTarget` acts on that and on nothing else: tmux compares and acts without a pause in between.
    """

    def look(self) -> Observed[TmuxState]:
        """All panes of all sessions at one moment, asked with one process; no server is `Absent`."""

    def room(self, server: int) -> Observed[OpenFileLimit]:
        """How many files the server with this pid may open, and has open; of the one that would be started for 0.

        Raises ReconcilerError when a server would be started by a tmux that is too old, and Refused when the one that
        runs ends with its last terminal.
        """

    def meddlers(self) -> str:
        """What may have ended a session that was just started, in words for the user; empty when nothing is seen.

        Raises ReconcilerError when tmux gave no answer.
        """

    def tidy(self) -> bool:
        """End what commands that were killed left behind; False when there was nothing."""

    @property
    def door(self) -> str:
        """The path of the socket, where a server that starts makes itself known."""

    def obstacle(self) -> Problem | None:
        """What would keep a server from being started, or reached, at this socket; None when nothing is in the way."""

    def look_at(self, socket: str) -> Observed[TmuxState]:
        """The same as `look`, at the server with another socket: its path, or its name."""

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        """Start and tag sessions: one answer for each, in their order, as soon as it is known.

        Work is done as the answers are taken. A returned pane is that of the moment of its birth:
        its agent may have ended since.
        """

    def end(self, targets: Sequence[TmuxTarget]) -> tuple[str, ...]:
        """End these sessions, of a guest its pane alone; for each why it is still there, empty when it is gone.

        The last pane of a session that is not ours stays; its process is the caller's to end.
        """

    def rename(self, target: TmuxTarget, name: str) -> None:
        """Give a session another name; raises when it is another one, or the name is taken or would be changed."""

    def tag(self, target: TmuxTarget, lineage: str, address: str, conversation: str) -> None:
        """Mark a session as ours; raises when it is another one."""

    def type_line(self, target: TmuxTarget, text: str) -> bool:
        """Type `text` and Enter into a pane; False when it is dead, gone or another.

        Control characters do not reach the pane.
        """

    def paste(self, target: TmuxTarget, text: str, unless: Texts = ()) -> Typed:
        """Paste `text` into a pane, bracketed where its program asked for that; copy mode ends.

        Nothing is pasted while one of `unless` is on the screen: looking and pasting are one act.
        The text arrives as it is: control characters are the caller's care.
        """

    def press(self, target: TmuxTarget, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> Typed:
        """Press keys, by tmux's names for them; copy mode ends, and `unless` holds as for `paste`.

        With `only`, nothing is pressed while none of these is on the screen.
        """

    def blank(self) -> frozenset[str]:
        """The panes, by id, in which nothing has been shown yet; empty when tmux cannot be asked."""

    def screen(self, pane_id: str, lines: int = 15) -> str:
        """The last lines of a pane, dead or alive; empty when it is gone.

        Blank lines are not counted; where some stand between others, one of them is kept.
        """

    def picture(self, pane_id: str, *, history: bool = False) -> str:
        """What a pane shows, dead or alive, in its colours; with `history`, also what scrolled away.

        Empty when it is gone.
        """


class Processes(Protocol):
    """The processes and programs of this machine."""

    def blind(self) -> str:
        """Why this system tells nothing of processes; empty when it does."""

    def started(self, pid: int) -> Observed[int]:
        """When a process started, to tell it from a later one with its pid; a zombie is `Absent`.

        Clock ticks since boot on Linux, Unix seconds elsewhere: only good for comparing.
        """

    def since(self, pid: int) -> Observed[int]:
        """When a process started, in Unix seconds and to about a second; a zombie is `Absent`."""

    def user(self, pid: int) -> str:
        """The name of the user whose process it is; empty for our own, and where the system does not tell."""

    def door(self, pid: int) -> str:
        """The path of the socket on which a process waits for clients; empty where the system does not tell."""

    def terminate(self, pid: int) -> None:
        """Ask the process group that `pid` leads (else `pid` alone) to end; gone is fine."""

    def family(self, pid: int) -> tuple[int, ...]:
        """The process and all that descend from it in its terminal session, itself first; empty when it is gone."""

    def foreground(self, pid: int) -> tuple[tuple[str, ...], ...]:
        """The command lines of those in the family of `pid` that read what is typed into its terminal.

        Empty where the system does not tell.
        """

    def ancestry(self, pid: int) -> tuple[tuple[int, str], ...]:
        """The process and those that it descends from, itself first, each with the name of its program.

        Empty where the system does not tell.
        """

    def sessions(self) -> Mapping[int, tuple[int, ...]]:
        """The living processes of each terminal session, by the pid of the one that leads or led it.

        Empty where the system does not tell.
        """

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        """The paths that a process has open; `Unknown` where the system does not tell."""

    def locked_files(self, pid: int) -> tuple[str, ...]:
        """The paths that the family of `pid` has locked for itself (flock(2)); empty where the system does not tell."""

    def locks(self) -> Observed[Mapping[int, frozenset[str]]]:
        """What each terminal session has locked for itself, by the pid of the one that leads or led it.

        The names of the locks are only good for comparing.
        """

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that have one of these files open, as far as the system tells us."""

    def words(self, pid: int) -> tuple[str, ...]:
        """The words that a process was started with; empty when it is gone, or where the system does not tell."""

    def started_with(self, words: Sequence[str]) -> tuple[int, ...]:
        """The living processes of this user that were started with exactly these words, as far as the system tells."""

    def listeners(self, port: int) -> tuple[ListeningProcess, ...]:
        """Who listens on a TCP port of this machine; empty where the system does not tell."""

    def version(self, program: str, env: Mapping[str, str]) -> Observed[str]:
        """What a program says of its version in this environment; `Unknown` when it says nothing in time."""

    def find(self, command: str, path: str) -> Observed[str]:
        """The file that runs as `command` under the search path `path`."""


class Files(Protocol):
    """Files, folders and git worktrees; every path is absolute."""

    def folder(self, path: str) -> Observed[Folder]:
        """What is at `path`; cheap: of a worktree only the repository and the branch are told."""

    def worktree(self, path: str) -> Observed[Worktree]:
        """The worktree at `path` with its uncommitted and unpushed work; asks git.

        A folder that is no worktree, or no folder at all, is `Absent`.
        """

    def obstacle(self, path: str, git: Git | None) -> Obstacle | None:
        """What would keep a workspace from being made at `path`, where nothing is; with `git`, that is asked, too."""

    def real(self, path: str) -> str:
        """The path with every symbolic link on the way followed, as far as it exists."""

    def facts(self, path: str) -> Observed[tuple[float, int]]:
        """When a file was last changed, in Unix seconds, and its size in bytes."""

    def distrust(self, path: str) -> str:
        """Why a file or folder may hold the words of another user; empty when only we can write it, or it is missing.

        A link counts as what it leads to.
        """

    def distrust_all(self, path: str) -> str:
        """As `distrust`, of a file, or of a folder and everything below it, links not followed."""

    def mark(self, path: str) -> Hashable:
        """What is another once a file was written, replaced or deleted, or an entry of a folder came or went.

        None where no mark would prove that: of a link, of what cannot be looked at, and for seconds after a change,
        as the next one may come within the same tick of the file system's clock.
        """

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        """At most `limit` bytes of a file, from byte `start` on."""

    def find(self, pattern: str) -> Observed[tuple[str, ...]]:
        """The sorted paths that match a glob pattern (`*`, `?`, `[...]`; no `**`).

        `Absent` when the folder before the first wildcard is missing; `Unknown` when any folder on
        the way cannot be read.
        """

    def query(self, path: str, statement: str, parameters: tuple[str, ...]) -> Observed[tuple[Row, ...]]:
        """The rows of an SQLite database that is opened read-only; `Absent` without file or table."""

    def contains(self, path: str, needle: bytes) -> Observed[bool]:
        """Whether `needle` is in a file of any size."""

    def tree(self, path: str) -> Observed[tuple[Entry, ...]]:
        """What `path` is, and then all that is in it where it is a folder; no link is followed."""

    def delete(self, path: str, root: str) -> None:
        """Delete a file, or a folder with all that is in it, below the folder `root`; gone is fine.

        Raises when a link is on the way from `root`, or at its end, and when it is another user's or
        has a second name.
        """

    def copy(self, path: str, target: str) -> None:
        """Copy a file of any size, readable by its owner alone; nothing half-copied stays."""

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Replace a file at once and durably: a reader sees the old content or the new one."""

    def make_folder(self, path: str, mode: int = 0o777) -> None:
        """See that a folder is there, its parents included."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder; raises when something is in it."""

    def add_worktree(self, path: str, git: Git) -> None:
        """Make `path` a worktree; a missing branch starts at `git.base`, else at the repo's HEAD."""

    def remove_worktree(self, path: str, repo: str) -> None:
        """Remove a clean worktree; raises when it holds uncommitted work."""


class Brokers(Protocol):
    """Message brokers on this machine: their files, and the processes that read them."""

    def survey(self, broker: Broker) -> Observed[Survey]:
        """How a broker is, held against what is declared of it; nothing is written."""

    def converge(self, address: Address) -> None:
        """Give a surveyed broker the files that the survey told of, and see that it works with them.

        When it does not work the last good files come back, and it raises.
        """

    def process(self, directory: str) -> Observed[int]:
        """The pid of the broker that was started on the files in this directory, if it runs."""

    def stop(self, directory: str) -> None:
        """End the broker that was started on the files in this directory, if it runs; the files stay."""


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class World:
    """All doors together."""

    def __init__(self, tmux: Tmux, processes: Processes, files: Files, clock: Clock, brokers: Brokers) -> None:
        self.tmux = tmux
        self.processes = processes
        self.files = files
        self.clock = clock
        self.brokers = brokers
