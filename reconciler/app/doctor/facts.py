"""The facts that `doctor` judges, gathered once. Anything that could not be looked at is `Unknown`, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from reconciler.agents.profile import Profile
from reconciler.jobs.hooks import HooksState
from reconciler.model.broker import Broker, Connection
from reconciler.model.broker_status import BrokerStatus
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.observed import ABSENT, Observed
from reconciler.model.plan import Unmanaged
from reconciler.model.problem import Problem
from reconciler.model.redacted import Redacted
from reconciler.model.snapshot import OpenFileLimit, Snapshot, TmuxState
from reconciler.ports.folder_state import FolderState
from reconciler.ports.tls import Peer
from reconciler.ports.tmux.settings import PaneSettings
from reconciler.state.lock import LockStatus
from reconciler.state.placement import Placement
from reconciler.state.registry import StoredRegistry


class InstallationFacts(Struct, frozen=True, kw_only=True):
    """The program itself, and the programs that it can use."""

    version: str
    python: str
    # The interpreter that runs.
    interpreter: str
    # Why a file of the package cannot be read, one sentence each.
    unreadable: tuple[str, ...]
    # Python packages that are required and not installed.
    missing: tuple[str, ...]
    git: Observed[str]
    mosquitto: Observed[str]
    # Why the processes of this system cannot be seen.
    unseen: tuple[Diagnostic, ...] = ()


class OtherServer(Struct, frozen=True):
    """Another tmux server of this user, and what it answers."""

    socket: str
    answer: Observed[TmuxState]


class TmuxFacts(Struct, frozen=True, kw_only=True):
    """tmux, the project's server, and the servers beside it."""

    program: Observed[str]
    version: Observed[str]
    socket: str
    # The words that every tmux command for this server begins with.
    command: str
    # Why no server can be started or reached at the socket.
    obstacle: Problem | None
    server: Observed[TmuxState]
    # Known only if the server answers; else Absent.
    files: Observed[OpenFileLimit] = ABSENT
    options: Observed[Mapping[str, str]] = ABSENT
    panes: Observed[tuple[PaneSettings, ...]] = ABSENT
    hooks: Observed[str] = ABSENT
    search_path: Observed[str] = ABSENT
    leftovers: Observed[tuple[str, ...]] = ABSENT
    others: Observed[tuple[OtherServer, ...]] = ABSENT


class PlaceFacts(Struct, frozen=True, kw_only=True):
    """One folder: its purpose, and its state, or that of the nearest existing folder above it."""

    purpose: str
    path: str
    # The path itself if it exists, else the nearest folder above it.
    nearest: str
    state: Observed[FolderState]
    # Whether reconciler needs it for everything, and whether reconciler creates it if it is missing.
    needed: bool = True
    is_made: bool = True


class FolderFacts(Struct, frozen=True, kw_only=True):
    """The folders, and what is in them."""

    places: tuple[PlaceFacts, ...]
    # XDG_RUNTIME_DIR; empty when it is not set.
    runtime: str
    runtime_state: Observed[FolderState]
    # The error about a symbolic link in one of our folders.
    links: Observed[None]
    # Our files that other users may read or write.
    readable: Observed[tuple[str, ...]]
    # Unfinished files that killed commands left.
    leftovers: Observed[tuple[str, ...]]


class ProjectFacts(Redacted, frozen=True, kw_only=True):
    """The manifests, the registry, and the live state."""

    root: str
    registry_path: str
    # Absent without a manifest.
    manifests: Observed[tuple[str, ...]]
    # Every mistake in them.
    mistakes: tuple[Diagnostic, ...]
    # What they declare. If that is unknown, it contains only the recorded tmux server.
    desired: Desired
    # Absent without a registry.
    stored: Observed[StoredRegistry]
    # Warnings about a registry of an older form, and about an apply that waits for its confirmation.
    older: tuple[Diagnostic, ...]
    unconfirmed: tuple[Diagnostic, ...]
    placement: Observed[Placement | None]
    lock: Observed[LockStatus]
    # A short description of the lock's holder.
    holder: str
    # The live state. If the registry or a manifest is damaged, it contains only what tmux shows.
    snapshot: Observed[Snapshot]
    # Sessions that look like agents and are in no manifest.
    unmanaged: tuple[Unmanaged, ...]
    # Workspaces with agents that may run, whose folder is missing, by name.
    missing_folders: Mapping[str, str]


class HookFacts(Struct, frozen=True):
    """Our hooks in one settings file: of the user, or of a workspace."""

    path: str
    scope: str
    folder: str
    state: Observed[HooksState]


class CliFacts(Redacted, frozen=True, kw_only=True):
    """One agent CLI."""

    profile: Profile
    # The declared agents that run it.
    agents: tuple[str, ...]
    # The program that an agent gets when this command starts it.
    program: Observed[str]
    version: Observed[str]
    # The program with the PATH of the tmux server, and with that of a login shell; None if there is no such PATH.
    by_server: Observed[str] | None = None
    by_login: Observed[str] | None = None
    # Agents whose own PATH lacks the program.
    without: tuple[str, ...] = ()
    hooks: tuple[HookFacts, ...] = ()
    # Agents that wait until the user has reviewed the hooks.
    reviewing: tuple[str, ...] = ()


class ClisFacts(Redacted, frozen=True, kw_only=True):
    """The agent CLIs, and the search paths in which they were looked for."""

    found: tuple[CliFacts, ...]
    path: str
    server_path: Observed[str]
    login_path: Observed[str]
    # Messages about agent types of packages that cannot be loaded.
    broken: tuple[str, ...] = ()


class BrokerFacts(Redacted, frozen=True, kw_only=True):
    """The broker that jobs use."""

    # The broker that the project declares or made.
    declared: Observed[Broker]
    # The connection settings of a client; Absent if the events go through files.
    way: Observed[Connection]
    # Its files and its process; Absent if only MQTT_BROKER names the broker.
    status: Observed[BrokerStatus] = ABSENT
    # Why its files cannot be used as they are on disk.
    mistakes: Observed[tuple[Diagnostic, ...]] = ABSENT
    # The server's answer; None if it answers without TLS.
    answer: Observed[Peer | None] = ABSENT


class ClockFacts(Struct, frozen=True, kw_only=True):
    """The present time, and recorded times."""

    now: datetime
    # Times of rows, by session.
    rows: Mapping[str, datetime] = field(default_factory=dict)
    # Change times of our files, by path.
    files: Mapping[str, datetime] = field(default_factory=dict)


class MachineFacts(Redacted, frozen=True, kw_only=True):
    """All facts."""

    installation: InstallationFacts
    tmux: TmuxFacts
    folders: FolderFacts
    project: ProjectFacts
    clis: ClisFacts
    broker: BrokerFacts
    clock: ClockFacts
