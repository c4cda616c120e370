"""What the registry says: the rows of `.hermes/agent-sessions.yaml` as values, and edits to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from .address import Address, agent_address, broker_address

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


class Status(StrEnum):
    """The only four values of `status` and `last_visible_status`."""

    RUNNING = "running"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    ARCHIVED = "archived"


MAY_LIVE = frozenset({Status.RUNNING, Status.TERMINATED})  # what rows say of agents that nobody has put to rest


class StartedWith(Struct, frozen=True):
    """What an agent was really started with; `env` holds clear text only for what is no secret.

    Sensitive values stand as `hmac-sha256:...`, keyed with the lineage, so that a change can be
    seen and the value cannot.
    """

    type: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str


class PaneRow(Struct, frozen=True):
    """The pane that was recorded; `id` means something only within one life of one server.

    `started` is the process' start in clock ticks since boot, which tells it from a later one with
    its pid; 0 when unknown.
    """

    id: str
    pid: int
    cmd: str
    cwd: str
    started: int = 0


class ServerRow(Struct, frozen=True):
    """One life of one tmux server; `started` is UTC, ISO 8601 with a Z.

    `path` is where its socket was. `ticks` is the start of its process as the system counts it, `boot` and
    `namespace` are where its pid means something; 0 and empty in older rows.
    """

    socket: str
    pid: int
    started: str
    path: str = ""
    ticks: int = 0
    boot: str = ""
    namespace: str = ""


class Identity(Struct, frozen=True):
    """The conversation that belongs to an agent: reserved before the launch, kept after the end."""

    session_id: str | None = None
    previous: tuple[str, ...] = ()


class SessionRow(Struct, frozen=True):
    """One recorded session. Times are UTC, ISO 8601 with a Z, empty when unknown.

    `depends_on` are addresses as text: the order of ending outlives the manifest's block. An `older` row was begun by
    another tool, which wrote down an id only once something was stored under it.
    """

    session: str
    workspace: str
    agent: str
    type: str = ""
    role: str = ""
    status: Status = Status.RUNNING
    note: str = ""
    session_id_own: str | None = None
    resumable: bool = False
    pane: PaneRow | None = None
    server: ServerRow | None = None
    started_with: StartedWith | None = None
    spec_digest: str = ""
    managed: bool = True
    older: bool = False
    protect: bool = False
    depends_on: tuple[str, ...] = ()
    created_at: str = ""
    updated_at: str = ""
    terminated_at: str = ""
    termination_mode: str = ""
    stopped_reason: str = ""

    @property
    def address(self) -> Address:
        """The agent that this session belongs, or belonged, to."""
        return agent_address(self.workspace, self.agent)


class WorkspaceRow(Struct, frozen=True):
    """One recorded workspace; `created` says that we made its folder (or worktree)."""

    name: str
    path: str = ""
    created: bool = False
    git_repo: str = ""
    git_branch: str = ""
    managed: bool = True
    identities: Mapping[str, Identity] = field(default_factory=dict)


class BrokerRow(Struct, frozen=True):
    """One recorded broker: it was made in `directory`, and what runs it (`target`) is known by its name."""

    name: str
    directory: str
    target: str = "process"
    managed: bool = True

    @property
    def address(self) -> Address:
        """The broker that the row is about."""
        return broker_address(self.name)


class Origin(Struct, frozen=True):
    """Where a registry lives: a mark of the machine, empty without one, and the real path of its folder.

    `host` is the name of the machine, for the user. `device` and `inode` tell a folder that was renamed from a copy.
    """

    machine: str = ""
    host: str = ""
    folder: str = ""
    device: int = 0
    inode: int = 0


class Record(Struct, frozen=True):
    """The whole registry. An empty one has no lineage and serial 0, and an older one no origin.

    `identities` are those of an older tool, which kept them by the agent's name alone.
    """

    lineage: str = ""
    serial: int = 0
    workspaces: Mapping[str, WorkspaceRow] = field(default_factory=dict)
    sessions: Mapping[str, SessionRow] = field(default_factory=dict)
    brokers: Mapping[str, BrokerRow] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)
    origin: Origin | None = None

    def identity(self, address: Address, row: SessionRow | None = None) -> Identity:
        """The conversations of an agent; where only its `row` tells of one, or an older tool did, that is it."""
        place = self.workspaces.get(address.workspace)
        known = place.identities.get(address.agent, _NOBODY) if place else _NOBODY
        if known.session_id:
            return known
        if row is not None and row.session_id_own:
            earlier = tuple(id_ for id_ in known.previous if id_ != row.session_id_own)
            return Identity(row.session_id_own, earlier)
        older = self.identities.get(address.agent, _NOBODY) if self.identities else _NOBODY
        left = older.session_id in known.previous  # for another one, since then
        return known if not older.session_id or left or self._has_namesake(address) else older

    def conversations(self) -> Iterator[tuple[str, Address]]:
        """Every id of a conversation that is recorded, with its agent: of a row alone first, earlier ones included."""
        for row in self.sessions.values():
            if row.session_id_own:
                yield row.session_id_own, row.address
        for name, workspace in self.workspaces.items():
            for agent, identity in workspace.identities.items():
                for id_ in filter(None, (identity.session_id, *identity.previous)):
                    yield id_, agent_address(name, agent)

    def _has_namesake(self, address: Address) -> bool:
        """True when the agent's name alone does not tell which agent is meant."""
        rows = (row.address for row in self.sessions.values())
        known = {*rows, *(address for _, address in self.conversations())}
        return any(other.agent == address.agent for other in known - {address})


_NOBODY = Identity()


class Section(StrEnum):
    """The tables of the registry."""

    WORKSPACES = "workspaces"
    SESSIONS = "sessions"
    BROKERS = "brokers"


class RowEdit(Struct, frozen=True):
    """Set `fields` in one row and leave its other keys alone.

    A nested mapping is merged the same way, but for `spec`, which is one value. None is written as
    null. With `remove` the row goes; with `rename_to` it is moved there first, comments and unknown
    keys included, and over whatever row is there. The ids of conversations that an edit would drop stay listed
    as earlier ones, unless `purged` says that the conversations themselves were deleted.
    """

    section: Section
    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    remove: bool = False
    rename_to: str = ""
    purged: bool = False
