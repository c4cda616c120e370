"""What the registry says: the rows of `.hermes/agent-sessions.yaml` as values, and edits to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from .address import Address, agent_address, broker_address

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


class Status(StrEnum):
    """The only four values of `status` and `last_visible_status`."""

    RUNNING = "running"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class StartedWith:
    """What an agent was really started with; `env` holds clear text only for what is no secret.

    Sensitive values stand as `hmac-sha256:...`, keyed with the lineage, so that a change can be
    seen and the value cannot.
    """

    type: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str


@dataclass(frozen=True, slots=True)
class PaneRow:
    """The pane that was recorded; `id` means something only within one life of one server.

    `started` is the process' start in clock ticks since boot, which tells it from a later one with
    its pid; 0 when unknown.
    """

    id: str
    pid: int
    cmd: str
    cwd: str
    started: int = 0


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One life of one tmux server; `started` is UTC, ISO 8601 with a Z."""

    socket: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The conversation that belongs to an agent: reserved before the launch, kept after the end."""

    session_id: str | None = None
    previous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One recorded session. Times are UTC, ISO 8601 with a Z, empty when unknown.

    `depends_on` are addresses as text: the order of ending outlives the manifest's block.
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


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """One recorded workspace; `created` says that we made its folder (or worktree)."""

    name: str
    path: str = ""
    created: bool = False
    git_repo: str = ""
    git_branch: str = ""
    managed: bool = True
    identities: Mapping[str, Identity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokerRow:
    """One recorded broker: it was made in `directory`, and what runs it (`target`) is known by its name."""

    name: str
    directory: str
    target: str = "process"
    managed: bool = True

    @property
    def address(self) -> Address:
        """The broker that the row is about."""
        return broker_address(self.name)


@dataclass(frozen=True, slots=True)
class Record:
    """The whole registry. An empty one has no lineage and serial 0."""

    lineage: str = ""
    serial: int = 0
    workspaces: Mapping[str, WorkspaceRow] = field(default_factory=dict)
    sessions: Mapping[str, SessionRow] = field(default_factory=dict)
    brokers: Mapping[str, BrokerRow] = field(default_factory=dict)


class Section(StrEnum):
    """The tables of the registry."""

    WORKSPACES = "workspaces"
    SESSIONS = "sessions"
    BROKERS = "brokers"


@dataclass(frozen=True, slots=True)
class RowEdit:
    """Set `fields` in one row and leave its other keys alone.

    A nested mapping is merged the same way, but for `spec`, which is one value. None is written as
    null. With `remove` the row goes; with `rename_to` it is moved there first, comments and unknown
    keys included, and over whatever row is there.
    """

    section: Section
    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    remove: bool = False
    rename_to: str = ""
