"""The shape of a manifest. It is checked, and published as `schemas/manifest.schema.json`.

Editors show the docstrings below to the user. A text with `${NAME}` is not checked here: `variables` checks it after
the variables are filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, cast, get_args, get_origin

from typing_extensions import TypedDict, get_type_hints, is_typeddict

from reconciler.model.record import Json
from reconciler.model.schema import CommandWords, Expected, Pattern, json_schema

from .rules import ACCEPTED, DATE, DRIFT_PATH, EXTENDED, EXTENSION, NAME_RULE, RULES, VARIABLE
from .type_shape import AgentTypeDoc, Command, Wrapper

_WITH_VARIABLE = r"[\s\S]*\$\{[\s\S]*"
_STRICT = {"extra": "forbid"}


def _rule(key: str) -> tuple[Pattern, Expected]:
    regex, words = RULES[key]
    return Pattern(f"{regex}|{_WITH_VARIABLE}"), Expected(words)


Name = Annotated[str, Pattern(NAME_RULE[0]), Expected(NAME_RULE[1])]
Extended = Annotated[str, Pattern(EXTENDED), Expected("a name, or agent.WORKSPACE.NAME")]
Variable = Annotated[str, Pattern(VARIABLE), Expected("the name of an environment variable")]
TypeName = Annotated[str, *_rule("type")]
RoleName = Annotated[str, *_rule("role")]
Resume = Annotated[str, *_rule("resume")]
SocketName = Annotated[str, *_rule("socket")]
Branch = Annotated[str, *_rule("branch")]
Path = Annotated[str, *_rule("path")]
PoolName = Annotated[str, *_rule("pool")]
ServerAddress = Annotated[str, *_rule("server")]
Argv = list[str]
Words = Annotated[list[str], CommandWords(), Expected("a list of strings, the program first")]
Duration = Annotated[
    int | Annotated[str, Pattern(r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h)?")], Expected("a duration such as 10s or 2m")
]
Profiles = list[Name]
Count = Annotated[int, Expected("a whole number")]
Dollars = Annotated[float, Expected("a number of US dollars")]
Days = Annotated[int, Expected("a whole number of days")]
_ACL_LINE = "an ACL line such as `read jobs/#`"
Accepted = Annotated[str, Pattern(ACCEPTED), Expected("agent.WORKSPACE.NAME, broker.NAME or the name of a session")]
DriftPath = Annotated[str, Pattern(DRIFT_PATH), Expected("a class of drift, A to L, or a field such as pane.cwd")]
Date = Annotated[str, Pattern(DATE), Expected("a date such as 2030-12-31")]
Sentence = Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*"), Expected("a few words")]


class FromEnv(TypedDict):
    """A value that is read from the environment of reconciler when the agent starts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    from_env: Variable
    """Name of the variable to read. The value is never stored."""


class FromFile(TypedDict):
    """A value that is read from a file when the agent starts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    from_file: Path
    """Path of the file. The value is never stored."""


class FromCommand(TypedDict):
    """A value that a command prints when the agent starts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    from_command: Words
    """The program and its arguments, one string each. The one line that it prints is never stored."""
    timeout: NotRequired[Duration]
    """How long it may take. Default: 30s."""


_ENV_VALUE = "a string, {from_env: NAME}, {from_file: PATH} or {from_command: [WORD, ...]}"
EnvValue = Annotated[str | FromEnv | FromFile | FromCommand, Expected(_ENV_VALUE)]
Env = dict[Variable, EnvValue]


class BudgetDoc(TypedDict):
    """What agents may use in a day, which begins at midnight in local time."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    tokens_per_day: NotRequired[Count]
    """Tokens of every kind: input, output, and what was read from caches or written into them."""
    usd_per_day: NotRequired[Dollars]
    """US dollars: what the CLI stored, else list prices. Needs `pip install 'agent-reconciler[prices]'`."""
    on_exceed: NotRequired[Literal["notify", "hold"]]
    """`notify`: the monitor says it. `hold`: besides, no new prompt is sent. Default: notify."""


_ITEMS = "a list of names, or a mapping whose keys are names"
Scalar = Annotated[str | int | float | bool, Expected("a text, a number, true or false")]
EachValue = Annotated[Scalar | dict[str, Scalar], Expected("a text, a number, or a mapping of them")]
ForEach = Annotated[list[Name] | dict[Name, EachValue], Expected(_ITEMS)]


class AgentDoc(TypedDict):
    """One agent: a CLI that runs in its own tmux session."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    extends: NotRequired[Extended]
    """Take over the settings of another agent, NAME or `agent.WORKSPACE.NAME`, or of a template."""
    for_each: NotRequired[ForEach]
    """Make an agent NAME[KEY] of this block for each item. Texts may contain `${each.key}` and `${each.value}`."""
    count: NotRequired[Count]
    """The same for the keys 1, 2, ... up to this number."""
    type: NotRequired[TypeName]
    """The agent CLI: a built-in type or one of `agent_types`. Default: the agent's name."""
    role: NotRequired[RoleName]
    """What the agent is for; part of its session's name. Default: creator."""
    wrap: NotRequired[Wrapper]
    """Words before the command, such as `[nice, -n, "5"]` or `[bwrap, ..., --]`. Those of the type come after them."""
    command: NotRequired[Command]
    """The program that is started in place of the type's, with its first arguments."""
    path: NotRequired[list[Path]]
    """Folders that are put before the agent's PATH."""
    cwd: NotRequired[Path]
    """The folder that the agent works in; a relative path starts at the workspace's. Default: the workspace's path."""
    args: NotRequired[Argv]
    """Arguments for the CLI, one string each."""
    env: NotRequired[Env]
    """Environment variables. They override those of the workspace."""
    prompt: NotRequired[str]
    """First prompt of a new conversation."""
    resume: NotRequired[Resume]
    """`auto` continues the agent's own conversation, `never` begins a new one at every start, a
    session id continues that one. Default: auto."""
    state: NotRequired[Literal["running", "stopped", "archived"]]
    """The state that the agent should have. Default: running."""
    protect: NotRequired[bool]
    """Keep the agent, even when this block is removed. Default: false."""
    trust: NotRequired[bool]
    """Trust the folder, so that the CLI does not ask, if the CLI has a setting for it. Default: false."""
    ignore: NotRequired[list[Literal["args", "env", "cwd", "command", "type", "wrap", "path"]]]
    """Fields whose differences are ignored."""
    depends_on: NotRequired[Argv]
    """Agents that start first: names in this workspace, or `agent.WORKSPACE.NAME`."""
    budget: NotRequired[BudgetDoc]
    """What the agent may use in a day. A change of it never restarts the agent."""
    pool: NotRequired[PoolName]
    """The pool whose jobs it may get from other hosts, or `no`. Default: the pool with the name of its type."""
    profiles: NotRequired[Profiles]
    """The agent is managed only while one of these profiles is active: `--profile NAME`. Default: always."""


class GitDoc(TypedDict):
    """The workspace is a git worktree."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    repo: Path
    """Path of the repository that the worktree belongs to."""
    branch: Branch
    """Branch of the worktree. It is created when missing."""
    base: NotRequired[Branch]
    """Where a new branch starts. Default: the repository's HEAD."""


class WorkspaceDoc(TypedDict):
    """A folder that agents work in."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    for_each: NotRequired[ForEach]
    """Make a workspace NAME[KEY] of this block for each item. Texts may contain `${each.key}` and `${each.value}`."""
    count: NotRequired[Count]
    """The same for the keys 1, 2, ... up to this number."""
    path: Path
    """The folder. It is created when missing. `~` is the home folder; a relative path starts at the project root."""
    git: NotRequired[GitDoc]
    """Make the folder a worktree of a git repository."""
    env: NotRequired[Env]
    """Environment variables of every agent in the workspace."""
    budget: NotRequired[BudgetDoc]
    """What all agents of the workspace together may use in a day."""
    profiles: NotRequired[Profiles]
    """The workspace and its agents are managed only while one of these profiles is active. Default: always."""
    agents: NotRequired[dict[Name, AgentDoc | None]]
    """The agents, by name. An empty block is an agent with all defaults."""


class TmuxDoc(TypedDict):
    """Which tmux server holds the sessions."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    socket: NotRequired[SocketName]
    """`tmux -L NAME`. Default: $TMUX_SERVER_NAME, else tmux's own default."""
    socket_path: NotRequired[Path]
    """`tmux -S PATH`."""


class DefaultsDoc(TypedDict):
    """Defaults for settings that are left out."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    agent: NotRequired[AgentDoc]
    """Defaults of every agent."""


class ListenerDoc(TypedDict):
    """A TLS port of the broker."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    port: NotRequired[Annotated[int, Expected("a port: a whole number")]]
    """Default: 8883, the port of MQTT over TLS."""
    bind: NotRequired[str]
    """Address to listen on. Default: loopback when `host` is this machine only, else every interface."""
    mtls: NotRequired[bool]
    """Clients must present a certificate; its name is their user. Default: false."""


class DeclaredBrokerUserDoc(TypedDict):
    """A user with ACL lines of its own."""

    __pydantic_config__ = _STRICT | {"title": "BrokerUserDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    acl: list[Annotated[str, Pattern(r"(?:(?:read|write|readwrite|deny) )?\S[\s\S]*"), Expected(_ACL_LINE)]]
    """Each `read`, `write`, `readwrite` or `deny`, and a topic filter."""


BrokerUserValue = Annotated[
    Literal["observer", "worker", "reconciler", "runner"] | DeclaredBrokerUserDoc,
    Expected("observer, worker, reconciler, runner or {acl: [LINE, ...]}"),
]


class CaDoc(TypedDict):
    """An existing CA."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    cert: Path
    """Its certificate."""
    key: Path
    """Its private key. It is read, but never copied."""


class TlsDoc(TypedDict):
    """How certificates are made."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    key: NotRequired[Literal["ecdsa-p256", "rsa-2048"]]
    """Kind of private key. Default: ecdsa-p256."""
    ca_days: NotRequired[Days]
    """Lifetime of the CA. Default: 3650."""
    leaf_days: NotRequired[Days]
    """Lifetime of all other certificates. They are renewed after two thirds of it. Default: 90."""
    ca: NotRequired[CaDoc]
    """Sign with this CA. Default: a new one is made."""


class LimitsDoc(TypedDict):
    """Limits for each client of the broker."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    connections: NotRequired[Count]
    """Connections at a time, for each listener. Default: 1000."""
    packet_size: NotRequired[Count]
    """Bytes of the largest packet. Default: 262144."""
    queued_messages: NotRequired[Count]
    """Messages kept for a client that is disconnected or slow. Default: 10000."""
    inflight_messages: NotRequired[Count]
    """Messages that are sent to a client and not yet confirmed. Default: 50."""
    keepalive: NotRequired[Count]
    """Seconds that a client may be silent. Default: 300."""
    expiry: NotRequired[Days]
    """Days after which the session of a disconnected client is deleted. Default: 7."""


class BrokerDoc(TypedDict):
    """A locked-down Mosquitto that carries the events of jobs."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    name: NotRequired[Name]
    """Name of the broker, for its address `broker.NAME`. Default: main."""
    dir: NotRequired[Path]
    """Folder for all of its files. Default: .hermes/broker; if `name` is not main, .hermes/broker-NAME."""
    host: NotRequired[str]
    """Host name or address by which clients reach it. Default: localhost."""
    names: NotRequired[list[str]]
    """More names and addresses for the server's certificate. localhost is always included."""
    listeners: NotRequired[list[ListenerDoc]]
    """The ports that it listens on. Default: 8883."""
    users: NotRequired[dict[Name, BrokerUserValue]]
    """Who may log in. Default: hermes as observer, claude-worker as worker."""
    topics: NotRequired[list[str]]
    """Topic filters of the job events, to which the roles give access. Default: python/mqtt/jobs/+/events."""
    demo_topic: NotRequired[bool]
    """Let every user read and write python/mqtt/sample. Default: false."""
    tls: NotRequired[TlsDoc]
    """How certificates are made."""
    persistence: NotRequired[bool]
    """Keep retained messages and sessions over a restart. Default: true."""
    limits: NotRequired[LimitsDoc]
    """Limits for each client."""
    target: NotRequired[Literal["process", "docker", "systemd"]]
    """What runs it: this user, docker compose or systemd. Default: process."""


class JobsSettingsDoc(TypedDict):
    """How jobs reach other hosts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    backend: NotRequired[Literal["mqtt", "nats"]]
    """`mqtt`: boxes on the broker, for one host each. `nats`: a NATS server, also for pools. Default: mqtt."""
    host: NotRequired[str]
    """Name of this machine among the hosts. Default: its host name up to the first dot."""
    server: NotRequired[ServerAddress]
    """The NATS server, `tls://HOST:PORT`; `nats://HOST:PORT` only on this machine."""
    username: NotRequired[str]
    """Who logs in at the NATS server."""
    password_file: NotRequired[Path]
    """File with the password, readable for you alone."""
    ca_certs: NotRequired[Path]
    """The CA that the server's certificate must come from. Default: those of the system."""
    certfile: NotRequired[Path]
    """Certificate to log in with."""
    keyfile: NotRequired[Path]
    """Its private key."""


class AcceptDoc(TypedDict):
    """Known drift to ignore until a date."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    address: Accepted
    """What drifts: `agent.WORKSPACE.NAME`, `broker.NAME`, or the name of a session that no manifest declares."""
    path: DriftPath
    """A class of drift, `A` to `L`, or the field that differs, such as `pane.cwd`."""
    until: Date
    """The last day, in UTC, on which it is ignored."""
    owner: Sentence
    """Who will resolve it."""
    why: Sentence
    """Why it is ignored for now."""


class ManifestDoc(TypedDict):
    """What you want: workspaces and the AI coding agents that work in them."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    version: Literal[1]
    """Version of the manifest's format."""
    include: NotRequired[list[Path]]
    """More manifests to read: files or patterns such as `~/.config/reconciler/*.yaml`, relative to this file."""
    merge: NotRequired[bool]
    """Whether this file may change what other files declare. Mappings are merged, other values replaced."""
    project: NotRequired[Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*"), Expected("a name")]]
    """Name of the project. Default: the name of the project folder."""
    tmux: NotRequired[TmuxDoc]
    """Which tmux server holds the sessions."""
    budget: NotRequired[BudgetDoc]
    """What all agents of the project together may use in a day."""
    defaults: NotRequired[DefaultsDoc]
    """Defaults for settings that are left out."""
    workspaces: NotRequired[dict[Name, WorkspaceDoc]]
    """Folders that agents work in, by name."""
    templates: NotRequired[dict[Name, AgentDoc]]
    """Settings that agents take over with `extends`, by name."""
    agent_types: NotRequired[dict[Name, AgentTypeDoc]]
    """Agent CLIs of your own, by name."""
    broker: NotRequired[BrokerDoc]
    """The message broker of the project."""
    jobs: NotRequired[JobsSettingsDoc]
    """How jobs reach other hosts."""
    accept: NotRequired[list[AcceptDoc]]
    """Known drift to ignore until a date."""


def manifest_schema() -> dict[str, Json]:
    """The JSON Schema that is published as `schemas/manifest.schema.json`."""
    schema = json_schema(ManifestDoc, title="reconciler manifest", identifier="urn:reconciler:manifest:1")
    definitions = cast("dict[str, Any]", schema["definitions"])
    definitions["AgentTypeDoc"]["anyOf"] = [{"required": ["command"]}, {"required": ["extends"]}]
    # A file that changes others need not repeat the path of a workspace.
    del definitions["WorkspaceDoc"]["required"]
    whole: Json = {"properties": {"workspaces": {"additionalProperties": {"required": ["path"]}}}}
    changes_others: Json = {"properties": {"merge": {"const": True}}, "required": ["merge"]}
    return schema | {"patternProperties": {f"^{EXTENSION}": {}}, "if": changes_others, "else": whole}


def keys_at(parents: Sequence[str]) -> list[str]:
    """The keys that are allowed in the mapping at the path `parents`."""
    shape: Any = ManifestDoc
    for step in parents:
        shape = shape_inside(shape, step)
    return keys_of(shape)


def keys_of(shape: Any) -> list[str]:
    """The published keys of a mapping, in order. Empty if users choose the keys, or if the shape is unknown."""
    return list(get_type_hints(shape)) if is_typeddict(shape) else []


def shape_inside(shape: Any, step: str) -> Any:
    """The shape of the value at a key or index of `shape`; None when unknown."""
    if is_typeddict(shape):
        inner = get_type_hints(shape).get(step)
    else:
        inner = get_args(shape)[-1] if get_origin(shape) in {dict, list} else None
    if get_origin(inner) in {dict, list}:
        return inner
    return next(filter(is_typeddict, (inner, *get_args(inner))), None)
