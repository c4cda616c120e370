"""What the manifests declare, with every default filled in and every path absolute."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.model.redacted import Redacted

from .address import Address
from .diagnostic import Diagnostic, Place

if TYPE_CHECKING:
    from .broker import Broker
    from .record import Json


class RunState(StrEnum):
    """The state that a manifest asks for."""

    RUNNING = "running"
    STOPPED = "stopped"
    ARCHIVED = "archived"


class EnvOrigin(StrEnum):
    """Where the value of an environment variable comes from."""

    LITERAL = "literal"
    EXPANDED = "expanded"  # written with ${NAME}, so it may hold a secret from the user's environment
    FROM_ENV = "from_env"
    FROM_FILE = "from_file"
    FROM_COMMAND = "from_command"


DEFAULT_ROLE = "creator"  # the role of an agent whose block has no `role`

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|(^|_)(KEY|PAT|AUTH)($|_)|APIKEY", re.IGNORECASE)


def names_a_secret(name: str) -> bool:
    """Whether the name of a variable says that its value is a secret."""
    return _SECRET_NAME.search(name) is not None


class EnvVar(Redacted, frozen=True):
    """One environment variable of an agent: a `value`, or a `source` to read it from at launch.

    `source` is the variable name (FROM_ENV), the absolute file path (FROM_FILE), or the words of the command, each
    ended by NUL (FROM_COMMAND); `timeout` is how long the command may take, in seconds.
    """

    name: str
    origin: EnvOrigin
    value: str = ""
    source: str = ""
    timeout: float = 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """The command of FROM_COMMAND."""
        return tuple(self.source.split("\0")[:-1])

    @property
    def sensitive(self) -> bool:
        """True when the value must not be shown or stored in plain text."""
        return self.origin is not EnvOrigin.LITERAL or names_a_secret(self.name)


class OnExceed(StrEnum):
    """What happens when a budget is used up."""

    NOTIFY = "notify"  # the monitor says it
    HOLD = "hold"  # and no new prompt is sent


class Budget(Struct, frozen=True):
    """What agents may use in a day, which begins at midnight in local time; None for no limit."""

    tokens_per_day: int | None = None
    usd_per_day: float | None = None
    on_exceed: OnExceed = OnExceed.NOTIFY
    place: Place | None = None


class JobBackend(StrEnum):
    """What queues jobs for other hosts."""

    MQTT = "mqtt"  # retained messages of the broker: for one host each
    NATS = "nats"  # a NATS server: for pools of agents, too


class JobSettings(Struct, frozen=True):
    """How jobs reach other hosts, as the manifests say it. Paths are absolute or empty."""

    backend: JobBackend = JobBackend.MQTT
    host: str = ""
    """The name of this machine among the hosts; empty for its own host name."""
    server: str = ""
    """The address of the NATS server."""
    username: str = ""
    password_file: str = ""
    ca_certs: str = ""
    certfile: str = ""
    keyfile: str = ""
    place: Place | None = None


NO_POOL = "no"
"""What `pool` says of an agent that gets no jobs of a pool."""


class Git(Struct, frozen=True):
    """The git worktree that a workspace is: of `repo`, on `branch`. A new branch starts at `base`."""

    repo: str
    branch: str
    base: str = ""


class Workspace(Struct, frozen=True):
    """A folder that agents work in."""

    address: Address
    path: str
    git: Git | None = None
    budget: Budget | None = None
    profiles: tuple[str, ...] = ()
    place: Place | None = None


class Agent(Struct, frozen=True):
    """One declared agent session."""

    address: Address
    session: str
    type: str
    role: str
    cwd: str
    workspace_path: str = ""
    """The workspace's folder, if the agent works in another one (`cwd`)."""
    wrap: tuple[str, ...] = ()
    """The words before the command, without those of the agent type."""
    command: tuple[str, ...] = ()
    """The program that is started in place of the type's, with its first arguments; empty for the type's."""
    path: tuple[str, ...] = ()
    """The folders that come first in the agent's PATH."""
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    prompt: str = ""
    resume: str = "auto"  # auto | never | a conversation id
    state: RunState = RunState.RUNNING
    protect: bool = False
    trust: bool = False
    ignore: frozenset[str] = frozenset()
    depends_on: tuple[Address, ...] = ()
    budget: Budget | None = None
    pool: str = ""
    """The pool whose jobs it does; NO_POOL for none, empty for the pool with the name of its type."""
    profiles: tuple[str, ...] = ()
    place: Place | None = None

    @property
    def workspace_folder(self) -> str:
        """The folder of its workspace, which is its own if the manifest names no other."""
        return self.workspace_path or self.cwd


class AgentType(Struct, frozen=True):
    """An agent CLI that the user describes in `agent_types:`.

    `new`, `resume` and `artifacts` may contain `{session_id}`; `artifacts` may also contain `{cwd}`. `busy` is a
    regular expression that matches the pane title while the agent must not be interrupted. `wrap` are the words before
    every command line. `parts` are the other keys of the manifest, as plain data; `agents.form` says what they are.
    `extends` is the type that knows everything which is not given here; empty for none.
    """

    name: str
    command: tuple[str, ...]
    wrap: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    quit: str = ""
    busy: str = ""
    extends: str = ""
    parts: Mapping[str, Json] = field(default_factory=dict)
    place: Place | None = None


class Socket(Struct, frozen=True):
    """Which tmux server: `tmux -L name`, `tmux -S path`, or the default one when both are empty.

    `place` is where the manifest names it.
    """

    name: str = ""
    path: str = ""
    place: Place | None = None

    def __eq__(self, other: object) -> bool:
        """Whether both are the same server. The place in the manifest does not count."""
        return isinstance(other, Socket) and (self.name, self.path) == (other.name, other.path)

    def __hash__(self) -> int:
        return hash((self.name, self.path))

    @property
    def label(self) -> str:
        """The name of this server in the registry."""
        return self.path or self.name or "default"


class Accept(Struct, frozen=True):
    """Known drift to ignore, up to and including the day `until` (ISO 8601, in UTC).

    `address` may also be the name of a session. `path` is a class of drift, or the field that differs.
    """

    address: str
    path: str
    until: str
    owner: str
    why: str
    place: Place


class Desired(Struct, frozen=True):
    """Everything that the manifests declare, and the diagnostics about them.

    `digest` is the SHA-256 of the bytes of all manifest files, in the order of their names.
    """

    project: str
    socket: Socket
    workspaces: Mapping[Address, Workspace]
    agents: Mapping[Address, Agent]
    agent_types: Mapping[str, AgentType]
    digest: str
    brokers: Mapping[Address, Broker] = field(default_factory=dict)
    accepts: tuple[Accept, ...] = ()
    budget: Budget | None = None
    jobs: JobSettings = JobSettings()
    files: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    inactive: frozenset[Address] = frozenset()
    """The workspaces and agents of which no profile is active: a plan leaves them as they are."""

    @property
    def places(self) -> dict[Address, Place]:
        """Where each address is declared."""
        declared: Iterable[Workspace | Agent | Broker] = chain(
            self.workspaces.values(), self.agents.values(), self.brokers.values()
        )
        return {each.address: each.place for each in declared if each.place}
