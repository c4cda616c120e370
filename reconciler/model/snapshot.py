"""Live state at one moment: tmux, folders, conversations. Only what was asked for is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.model.discreet import Discreet

from .activity import LiveAgent
from .address import Address
from .desired import EnvOrigin
from .diagnostic import Diagnostic, Place, Severity
from .observed import ABSENT, Observed, Unknown
from .stored import ConversationData

if TYPE_CHECKING:
    from .broker import Survey
    from .obstacle import Obstacle
    from .problem import Problem


class Pane(Struct, frozen=True):
    """One pane of one session, with the tags of its session. `created` is Unix seconds.

    `lineage`, `address` and `conversation` are the session's `@reconciler_*` options, empty when
    not set. A dead pane keeps its `pid` (0 from tmux 3.8 on); status and signal may be filled in a moment later.
    """

    session: str
    session_id: str
    pane_id: str
    pid: int
    command: str
    cwd: str
    dead: bool = False
    dead_status: int | None = None
    dead_signal: str = ""
    title: str = ""
    created: int = 0
    attached: bool = False
    lineage: str = ""
    address: str = ""
    conversation: str = ""

    @property
    def target(self) -> TmuxTarget:
        """The pane as it is now, for tmux to find it again."""
        return TmuxTarget(
            session_id=self.session_id,
            pane_id=self.pane_id,
            pid=0 if self.dead else self.pid,
            lineage=self.lineage,
            address=self.address,
        )


class TmuxTarget(Struct, frozen=True):
    """What tmux itself has to find when it acts: a pane, its process, its session and the tags of that.

    `pid` is 0 where the pane is dead, and `pane_id` empty where only the session is left. Of a `guest` nothing but the
    pane is meant: its session, and the tags of that, are another agent's, or without a lineage not even ours.
    """

    session_id: str
    pane_id: str
    pid: int
    lineage: str = ""
    address: str = ""
    guest: bool = False


class Server(Struct, frozen=True):
    """One life of one tmux server; `started` is Unix seconds, `socket` the label of its socket, `path` its path.

    `ticks` is the start of its process as the system counts it, and `boot` and `namespace` are where its pid means
    something; 0 and empty where that is not told.
    """

    socket: str
    pid: int
    started: int
    version: str = ""
    path: str = ""
    ticks: int = 0
    boot: str = ""
    namespace: str = ""


class Unread(Struct, frozen=True):
    """A pane that tmux told of in words that cannot be read; empty is what is not sure of it."""

    said: str
    session: str = ""
    session_id: str = ""
    pane_id: str = ""
    address: str = ""


class TmuxState(Struct, frozen=True):
    """A tmux server, all panes of all its sessions, and those that are there and could not be read."""

    server: Server
    panes: tuple[Pane, ...] = ()
    unread: tuple[Unread, ...] = ()


class OpenFileLimit(Struct, frozen=True):
    """How many files a tmux server may open, and has open; `pid` is 0 for one that would be started.

    A pane needs one while its process lives. Its user can raise the limit to `most`.
    """

    limit: int
    used: int
    pid: int = 0
    most: int = 0


class UnreachableServer(Unknown, frozen=True):
    """A tmux server that has agents of ours lives, or may live, and is not the one that answers; `fix` leads to it.

    `pid` is that of a server that only lacks its `socket`, and makes it again when it is told to; else 0.
    """

    pid: int = 0
    socket: str = ""


def tmux_trouble(unknown: Unknown, place: Place | None = None) -> Diagnostic:
    """Why nothing can be said of any agent, for the user; `place` is where the server's socket is named."""
    hidden = isinstance(unknown, UnreachableServer)
    summary = "the tmux server of this project is out of sight" if hidden else "tmux could not be asked"
    return Diagnostic(severity=Severity.ERROR, summary=summary, detail=unknown.reason, fix=unknown.fix, place=place)


class Worktree(Struct, frozen=True):
    """A git worktree: `repo` is the real path of the repository it belongs to.

    `dirty` and `unpushed` (commits that no other branch and no remote has) are None when they
    were not asked for.
    """

    repo: str
    branch: str
    dirty: int | None = None
    unpushed: int | None = None


class Folder(Struct, frozen=True):
    """Something at a path: a folder or not, empty or not, and the worktree that it is, if any.

    `lost` is where a worktree looks for its repository in vain: it was moved, or deleted.
    """

    is_folder: bool
    empty: bool = False
    worktree: Worktree | None = None
    lost: str = ""


class Artifact(Struct, frozen=True):
    """What the CLI stores for a conversation; `resumable` by the CLI's own rules."""

    path: str
    resumable: bool


class Occupant(Discreet, frozen=True):
    """What runs in a foreign session: the names of its programs, empty when that cannot be told.

    `conversation` is what the CLI says that it holds, `words` what its processes were started with. `owner` is the
    agent that the conversation in it, `held`, belongs to; `owner_runs` is the session in which that agent runs.
    `project` is the folder of the other project whose tags the session has, empty when it was not found.
    """

    programs: tuple[str, ...] = ()
    conversation: str = ""
    words: tuple[str, ...] = ()
    held: str = ""
    owner: str = ""
    owner_runs: str = ""
    owner_is_declared: bool = False
    project: str = ""


class Snapshot(Discreet, frozen=True):
    """Live state at one moment.

    `artifacts`, `agents` and `executables` hold answers only for the addresses whose comparison
    needs them, `folders` for every path that a workspace names; `real` maps declared paths to real
    ones. `obstacles` tells of the workspaces that cannot be made, by path, what is in the way, and
    `server_problem` why no tmux server can be started where none runs.
    `unclaimed` are stored conversations that may be an agent's, when nothing proves which is.
    `deleted_by_start` are stored files that the CLI's own start would delete.
    `untrusted` are settings file and folder of those whose CLI would ask for trust that the user gives.
    `moved` is the folder that a conversation began in, where it is not the one that its agent would go on in, and
    `versions` what the CLIs of those agents say of their version.
    `missing_stores` are folders of CLIs, with everything that they have stored, that are missing or empty.
    `occupants` is what runs in foreign sessions that have an agent's name, or shall become an agent's.
    `elsewhere` is the living process, outside the agent's session, that has its conversation. `orphans` are the
    recorded processes of agents that live on although no tmux server has them, or why that cannot be told. `brokers`
    are held against what is declared of them; `broker_processes` are the pids by folder, for those recorded ones that
    go, or went elsewhere. `belongings` tells what is stored under each id of the
    agents that are to be deleted. `visibility_warnings` are the checks that this system does not allow. `secrets` holds
    the values behind `from_env` and `from_file`, by
    origin and source.
    """

    tmux: Observed[TmuxState] = ABSENT
    folders: Mapping[str, Observed[Folder]] = field(default_factory=dict)
    artifacts: Mapping[Address, Observed[Artifact]] = field(default_factory=dict)
    agents: Mapping[Address, LiveAgent] = field(default_factory=dict)
    executables: Mapping[Address, Observed[str]] = field(default_factory=dict)
    unclaimed: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    deleted_by_start: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    untrusted: Mapping[Address, tuple[str, str]] = field(default_factory=dict)
    moved: Mapping[Address, str] = field(default_factory=dict)
    versions: Mapping[Address, str] = field(default_factory=dict)
    missing_stores: Mapping[Address, str] = field(default_factory=dict)
    occupants: Mapping[Address, Occupant] = field(default_factory=dict)
    elsewhere: Mapping[Address, int] = field(default_factory=dict)
    orphans: Mapping[Address, Observed[int]] = field(default_factory=dict)
    brokers: Mapping[Address, Observed[Survey]] = field(default_factory=dict)
    broker_processes: Mapping[str, Observed[int]] = field(default_factory=dict)
    belongings: Mapping[Address, Mapping[str, Observed[ConversationData]]] = field(default_factory=dict)
    real: Mapping[str, str] = field(default_factory=dict)
    obstacles: Mapping[str, Obstacle] = field(default_factory=dict)
    server_problem: Problem | None = None
    secrets: Mapping[tuple[EnvOrigin, str], Observed[str]] = field(default_factory=dict)
    visibility_warnings: tuple[Diagnostic, ...] = ()
