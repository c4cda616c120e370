"""The registry: its rows as values, edits of them, and whose documents about them are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

from .address import Address, agent_address, broker_address

Whole: TypeAlias = Annotated[int, Meta(ge=0)]
Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


class Status(StrEnum):
    """The only four values of `status` and `last_visible_status`."""

    RUNNING = "running"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    ARCHIVED = "archived"


MAY_LIVE = frozenset({Status.RUNNING, Status.TERMINATED})  # the statuses of agents that no user stopped or archived


class StartedWith(Struct, frozen=True):
    """What an agent was really started with.

    In `env`, a sensitive value is replaced by `hmac-sha256:...`, keyed with the lineage: a change is visible, the
    value is not.
    """

    type: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    wrap: tuple[str, ...] = ()
    """The words before `command`."""
    path: tuple[str, ...] = ()
    """The folders that were put before the agent's PATH."""


class PaneRow(Struct, frozen=True):
    """The recorded pane. Its `id` has no meaning after the tmux server ends.

    `started` is the start of the process in clock ticks since boot, 0 when unknown. It differs from that of a later
    process with the same pid.
    """

    id: str
    pid: Whole
    cmd: str
    cwd: str
    started: Whole = 0


class ServerRow(Struct, frozen=True):
    """One run of a tmux server. `started` is UTC, ISO 8601 with a Z.

    `path` is the path of its socket. `ticks` is the start of its process as the system counts it. `pid` is
    valid only in this `boot` and pid `namespace`. In older rows, these are 0 or empty.
    """

    socket: str
    pid: Whole
    started: str
    path: str = ""
    ticks: Whole = 0
    boot: str = ""
    namespace: str = ""


class Identity(Struct, frozen=True):
    """The conversation that belongs to an agent. It is reserved before the start and kept after the end."""

    session_id: str | None = None
    previous: tuple[str, ...] = ()


class SessionRow(Struct, frozen=True):
    """One recorded session. Times are UTC, ISO 8601 with a Z, empty when unknown."""

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
    """Whether another tool began the row. That tool wrote an id only when the conversation was on disk."""
    protect: bool = False
    depends_on: tuple[str, ...] = ()
    """Addresses as text. They decide in which order agents end after their block left the manifest."""
    created_at: str = ""
    updated_at: str = ""
    terminated_at: str = ""
    termination_mode: str = ""
    stopped_reason: str = ""

    @property
    def address(self) -> Address:
        """The agent to which this session belongs or belonged."""
        return agent_address(self.workspace, self.agent)


class WorkspaceRow(Struct, frozen=True):
    """One recorded workspace. `created` is true if reconciler made its folder or worktree."""

    name: str
    path: str = ""
    created: bool = False
    git_repo: str = ""
    git_branch: str = ""
    managed: bool = True
    identities: Mapping[str, Identity] = field(default_factory=dict)


class BrokerRow(Struct, frozen=True):
    """One recorded broker. Its files are in `directory`; `target` is what runs it."""

    name: str
    directory: str
    target: str = "process"
    managed: bool = True

    @property
    def address(self) -> Address:
        """The address of this broker."""
        return broker_address(self.name)


class Origin(Struct, frozen=True):
    """Where a registry was written."""

    machine: str = ""
    """An id of the machine; empty if it has none."""
    host: str = ""
    """The name of the machine, for the user."""
    folder: str = ""
    """The real path of the registry's folder."""
    device: int = 0
    inode: int = 0
    """With `device`, the same after a rename of the folder, and different for a copy."""


class Record(Struct, frozen=True):
    """The whole registry. An empty registry has no lineage and serial 0; an older one has no origin.

    `identities` are those of an older tool, which stored them by the agent's name alone.
    """

    lineage: str = ""
    serial: int = 0
    workspaces: Mapping[str, WorkspaceRow] = field(default_factory=dict)
    sessions: Mapping[str, SessionRow] = field(default_factory=dict)
    brokers: Mapping[str, BrokerRow] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)
    origin: Origin | None = None

    def identity(self, address: Address, row: SessionRow | None = None) -> Identity:
        """The conversations of an agent: from its workspace's row, else from its own `row`, else from an older tool."""
        place = self.workspaces.get(address.workspace)
        known = place.identities.get(address.agent, _NOBODY) if place else _NOBODY
        if known.session_id:
            return known
        if row is not None and row.session_id_own:
            earlier = tuple(id_ for id_ in known.previous if id_ != row.session_id_own)
            return Identity(row.session_id_own, earlier)
        older = self.identities.get(address.agent, _NOBODY) if self.identities else _NOBODY
        left = older.session_id in known.previous  # the agent has moved on to another conversation since
        return known if not older.session_id or left or self._has_namesake(address) else older

    def conversations(self) -> Iterator[tuple[str, Address]]:
        """Every recorded conversation id with its agent, earlier ones included. The sessions' rows come first."""
        for row in self.sessions.values():
            if row.session_id_own:
                yield row.session_id_own, row.address
        for name, workspace in self.workspaces.items():
            for agent, identity in workspace.identities.items():
                for id_ in filter(None, (identity.session_id, *identity.previous)):
                    yield id_, agent_address(name, agent)

    def _has_namesake(self, address: Address) -> bool:
        """True when another agent has the same name, in another workspace."""
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
    """Set `fields` in one row and keep its other keys.

    A nested mapping is merged in the same way, except `spec`, which is replaced as a whole. None is written as null.
    """

    section: Section
    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    remove: bool = False
    """Remove the row."""
    rename_to: str = ""
    """First move the row to this name, with comments and unknown keys. A row with this name is replaced."""
    purged: bool = False
    """Also drop the conversation ids that the edit replaces: they were deleted. Else they stay listed."""


class ProjectIdentity(Struct, frozen=True):
    """The machine, the user and the project that a document is about, as published under `at`."""

    host: str = ""
    machine: str = ""
    """SHA-256 of the machine's id and a fixed word; empty if the machine has no id."""
    user: str = ""
    home: str = ""
    project: str = ""
    """The real path of the project folder."""
    lineage: str = ""
    """The registry's lineage; empty before the first apply."""


class ShortNames(Struct, frozen=True):
    """What differs between two hosts that do the same: paths and their short forms, and the name of the host."""

    paths: tuple[tuple[str, str], ...] = ()
    """A path and what stands for it: `.` for the project folder, `~` for the home folder; the longest first."""
    host: str = ""
