"""The live state at one moment: tmux, folders, conversations. It holds only what the comparison asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.model.redacted import Redacted

from .activity import LiveAgent
from .address import Address
from .desired import EnvOrigin
from .diagnostic import Diagnostic, Place, Severity
from .observed import ABSENT, Observed, Unknown
from .stored import ConversationData

if TYPE_CHECKING:
    from .broker import Survey
    from .hidden import Hidden
    from .obstacle import Obstacle
    from .problem import Problem


class Pane(Struct, frozen=True):
    """One pane, with the tags of its session."""

    session: str
    session_id: str
    pane_id: str
    pid: int
    """The process in the pane. A dead pane keeps its pid up to tmux 3.7; from 3.8 on, it is 0."""
    command: str
    cwd: str
    dead: bool = False
    dead_status: int | None = None
    dead_signal: str = ""
    """tmux may know the status and the signal only a moment after the pane is dead."""
    title: str = ""
    created: int = 0
    """Unix seconds."""
    attached: bool = False
    lineage: str = ""
    """This and the next three are the session's `@reconciler_*` options, empty when not set."""
    address: str = ""
    conversation: str = ""
    project: str = ""
    """The folder of its project when it was tagged; the project may have moved since."""

    @property
    def target(self) -> TmuxTarget:
        """What identifies this pane when tmux acts on it later."""
        return TmuxTarget(
            session_id=self.session_id,
            pane_id=self.pane_id,
            pid=0 if self.dead else self.pid,
            lineage=self.lineage,
            address=self.address,
        )


class TmuxTarget(Struct, frozen=True):
    """The pane, process, session and tags that must all still match when tmux acts."""

    session_id: str
    pane_id: str
    """Empty when only the session is left."""
    pid: int
    """0 when the pane is dead."""
    lineage: str = ""
    address: str = ""
    guest: bool = False
    """Whether the pane is in a session of another agent, or in one that is not ours. Then only the pane is meant."""


class Server(Struct, frozen=True):
    """One run of a tmux server."""

    socket: str
    """The label of its socket, see `Socket.label`."""
    pid: int
    started: int
    """Unix seconds."""
    version: str = ""
    path: str = ""
    """The path of its socket."""
    ticks: int = 0
    """The start of its process as the system counts it; 0 when unknown."""
    boot: str = ""
    namespace: str = ""
    """With `boot`, where its pid is valid; empty when unknown."""


class UnreadablePane(Struct, frozen=True):
    """A pane whose row in the output of tmux cannot be read. Fields that are uncertain are empty."""

    reason: str
    session: str = ""
    session_id: str = ""
    pane_id: str = ""
    address: str = ""


class TmuxState(Struct, frozen=True):
    """A tmux server, all panes of all its sessions, and the panes whose rows could not be read.

    `last_output` has the Unix seconds when a program last wrote to the window of a pane, by the id of the pane. It is
    no field of the pane: it changes all the time, and a pane that only prints counts as unchanged.
    """

    server: Server
    panes: tuple[Pane, ...] = ()
    unread: tuple[UnreadablePane, ...] = ()
    last_output: Mapping[str, int] = field(default_factory=dict)


class OpenFileLimit(Struct, frozen=True):
    """How many files a tmux server may open (`limit`), and has open (`used`).

    A pane needs one file while its process lives. The user can raise the limit to `most`. `pid` is 0 for a server that
    has not been started yet.
    """

    limit: int
    used: int
    pid: int = 0
    most: int = 0


class UnreachableServer(Unknown, frozen=True):
    """Another tmux server has agents of ours and runs, or may run, but does not answer at this socket.

    `fix` says how to reach it. `pid` is set if only its `socket` file is missing, which a signal makes it create again;
    else 0.
    """

    pid: int = 0
    socket: str = ""


def tmux_trouble(unknown: Unknown, place: Place | None = None) -> Diagnostic:
    """The message when the state of all agents is unknown. `place` is where a manifest names the server's socket."""
    hidden = isinstance(unknown, UnreachableServer)
    summary = "the tmux server of this project cannot be reached" if hidden else "tmux could not be asked"
    return Diagnostic(severity=Severity.ERROR, summary=summary, detail=unknown.reason, fix=unknown.fix, place=place)


class Worktree(Struct, frozen=True):
    """A git worktree: `repo` is the real path of the repository it belongs to.

    `dirty` counts uncommitted entries; `unpushed` counts commits that no other branch and no remote has. They are None
    if they were not asked for.
    """

    repo: str
    branch: str
    dirty: int | None = None
    unpushed: int | None = None


class Folder(Struct, frozen=True):
    """What is at a path: whether it is a folder, whether it is empty, and its worktree, if it is one.

    `lost` is the path of a worktree's repository if nothing is there, because it was moved or deleted.
    """

    is_folder: bool
    empty: bool = False
    worktree: Worktree | None = None
    lost: str = ""


class Artifact(Struct, frozen=True):
    """The stored file of a conversation. `resumable` follows the rules of the CLI."""

    path: str
    resumable: bool


class Occupant(Redacted, frozen=True):
    """What runs in a session that is not ours."""

    programs: tuple[str, ...] = ()
    """The names of its programs; empty when unknown."""
    conversation: str = ""
    """The conversation that the CLI reports."""
    words: tuple[str, ...] = ()
    """The command line words of its processes."""
    held: str = ""
    """A conversation in it that is recorded for an agent."""
    owner: str = ""
    """The agent to which `held` belongs."""
    owner_runs: str = ""
    """The session in which that agent runs."""
    owner_is_declared: bool = False
    project: str = ""
    """The folder of another project, if the session has its tags and they, or a note of that project, name it."""
    project_found: bool = True
    """Whether that project's registry is there; else the project may have been moved or removed."""


class Snapshot(Redacted, frozen=True):
    """Live state at one moment. Most mappings hold only the addresses whose comparison needs the answer."""

    tmux: Observed[TmuxState] = ABSENT
    folders: Mapping[str, Observed[Folder]] = field(default_factory=dict)
    """Every path that a workspace names."""
    artifacts: Mapping[Address, Observed[Artifact]] = field(default_factory=dict)
    """The stored file of each agent's conversation."""
    agents: Mapping[Address, LiveAgent] = field(default_factory=dict)
    executables: Mapping[Address, Observed[str]] = field(default_factory=dict)
    """The program file that each agent's command finds."""
    unclaimed: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    """Stored conversations that may belong to an agent, when nothing proves which one does."""
    deleted_by_start: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    """Stored files that the CLI itself would delete when it starts."""
    untrusted: Mapping[Address, tuple[str, str]] = field(default_factory=dict)
    """Settings file and folder, where the manifest trusts the folder but the CLI would still ask."""
    moved: Mapping[Address, str] = field(default_factory=dict)
    """The folder where a conversation began, if its agent would continue it in another one."""
    versions: Mapping[Address, str] = field(default_factory=dict)
    """The CLI's version, for the agents in `moved`."""
    missing_stores: Mapping[Address, str] = field(default_factory=dict)
    """Folders where a CLI had stored everything, and that are now missing or empty."""
    occupants: Mapping[Address, Occupant] = field(default_factory=dict)
    """What runs in foreign sessions that have an agent's name, or that will be adopted."""
    elsewhere: Mapping[Address, int] = field(default_factory=dict)
    """The live process outside the agent's session that has its conversation open."""
    orphans: Mapping[Address, Observed[int]] = field(default_factory=dict)
    """The recorded process of an agent that still runs, although no tmux server has it; or why that is unknown."""
    brokers: Mapping[Address, Observed[Survey]] = field(default_factory=dict)
    broker_processes: Mapping[str, Observed[int]] = field(default_factory=dict)
    """Pids by folder, for recorded brokers that are removed or have moved."""
    belongings: Mapping[Address, Mapping[str, Observed[ConversationData]]] = field(default_factory=dict)
    """What is stored under each conversation id of the agents that will be deleted."""
    real: Mapping[str, str] = field(default_factory=dict)
    """The real path of each declared path."""
    obstacles: Mapping[str, Obstacle] = field(default_factory=dict)
    """By path, what prevents a workspace from being created."""
    server_problem: Problem | None = None
    """Why no tmux server can be started, when none runs."""
    hidden: Mapping[Address, Hidden] = field(default_factory=dict)
    """What their wrappers hide of agents."""
    wrappers: Mapping[Address, Observed[str]] = field(default_factory=dict)
    """The program file of each agent's wrapper."""
    absent: Mapping[Address, frozenset[str]] = field(default_factory=dict)
    """The folders of each agent's `cwd` and `path` that do not exist."""
    secrets: Mapping[tuple[EnvOrigin, str], Observed[str]] = field(default_factory=dict)
    """The values behind `from_env` and `from_file`, by origin and source; of `from_command`, if its program exists."""
    visibility_warnings: tuple[Diagnostic, ...] = ()
    """A message for each check that this system does not support."""
