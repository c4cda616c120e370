"""The shape of a manifest: what is checked, what `schemas/manifest.schema.json` publishes.

The sentences below are shown by editors. Text may hold `${NAME}`, so a rule about text is held
here only where no variable stands, and again by `variables` after the expansion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin

from typing_extensions import TypedDict, get_type_hints, is_typeddict

from reconciler.model.record import Json
from reconciler.model.schema import Expected, Pattern, json_schema

from .rules import ACCEPTED, DATE, DRIFT_PATH, NAME_RULE, RULES, VARIABLE

_WITH_VARIABLE = r"[\s\S]*\$\{[\s\S]*"
_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}


def _rule(key: str) -> tuple[Pattern, Expected]:
    regex, words = RULES[key]
    return Pattern(f"{regex}|{_WITH_VARIABLE}"), Expected(words)


Name = Annotated[str, Pattern(NAME_RULE[0]), Expected(NAME_RULE[1])]
Variable = Annotated[str, Pattern(VARIABLE), Expected("the name of an environment variable")]
TypeName = Annotated[str, *_rule("type")]
RoleName = Annotated[str, *_rule("role")]
Resume = Annotated[str, *_rule("resume")]
SocketName = Annotated[str, *_rule("socket")]
Branch = Annotated[str, *_rule("branch")]
Path = Annotated[str, *_rule("path")]
Word = Annotated[str, Pattern(r"\S+")]
Argv = list[str]
Count = Annotated[int, Expected("a whole number")]
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
    """Name of the variable to read. The value is stored nowhere."""


class FromFile(TypedDict):
    """A value that is read from a file when the agent starts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    from_file: Path
    """Path of the file. The value is stored nowhere."""


EnvValue = Annotated[str | FromEnv | FromFile, Expected("a string, {from_env: NAME} or {from_file: PATH}")]
Env = dict[Variable, EnvValue]


class AgentDoc(TypedDict):
    """One agent: a CLI that runs in its own tmux session."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    type: NotRequired[TypeName]
    """The agent CLI: a built-in type or one of `agent_types`. Default: the agent's name."""
    role: NotRequired[RoleName]
    """What the agent is for; part of its session's name. Default: creator."""
    args: NotRequired[Argv]
    """Arguments for the CLI, one string each."""
    env: NotRequired[Env]
    """Environment variables, merged over those of the workspace."""
    prompt: NotRequired[str]
    """First prompt of a new conversation."""
    resume: NotRequired[Resume]
    """`auto` continues the agent's own conversation, `never` begins a new one at every start, a
    session id continues that one. Default: auto."""
    state: NotRequired[Literal["running", "stopped", "archived"]]
    """The state the agent is wanted in. Default: running."""
    protect: NotRequired[bool]
    """Keep the agent, even when this block is removed. Default: false."""
    trust: NotRequired[bool]
    """Trust the folder, so that the CLI does not ask, where it has a setting for that. Default: false."""
    ignore: NotRequired[list[Literal["args", "env", "cwd", "command", "type"]]]
    """Differences that are not acted on."""
    depends_on: NotRequired[Argv]
    """Agents that start first: names in this workspace, or `agent.WORKSPACE.NAME`."""


class GitDoc(TypedDict):
    """The workspace is a git worktree."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    repo: Path
    """Path of the repository that the worktree belongs to."""
    branch: Branch
    """Branch of the worktree, created when missing."""
    base: NotRequired[Branch]
    """Where a new branch starts. Default: the repository's HEAD."""


class WorkspaceDoc(TypedDict):
    """A folder that agents work in."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    path: Path
    """The folder, made when missing. `~` is the home folder; a relative path starts at the project root."""
    git: NotRequired[GitDoc]
    """Make the folder a worktree of a git repository."""
    env: NotRequired[Env]
    """Environment variables of every agent here."""
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
    """What is assumed where nothing is said."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    agent: NotRequired[AgentDoc]
    """Defaults of every agent."""


class AgentTypeDoc(TypedDict):
    """An agent CLI of your own."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    command: Annotated[Word | list[str], Expected("a list of strings, or one word")]
    """The program and its first arguments."""
    new: NotRequired[Argv]
    """Arguments that begin a conversation; `{session_id}` is an id chosen by reconciler."""
    resume: NotRequired[Argv]
    """Arguments that continue the conversation `{session_id}`."""
    artifacts: NotRequired[Argv]
    """Where the CLI stores a conversation; may hold `{session_id}` and `{cwd}`."""
    quit: NotRequired[str]
    """What is typed to end the CLI."""
    busy: NotRequired[str]
    """Regular expression that matches the pane title while the agent must not be interrupted."""


class ListenerDoc(TypedDict):
    """A TLS port of the broker."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    port: NotRequired[Annotated[int, Expected("a port: a whole number")]]
    """Default: 8883, the port of MQTT over TLS."""
    bind: NotRequired[str]
    """Address to listen on. Default: loopback when `host` is this machine only, else every interface."""
    mtls: NotRequired[bool]
    """Clients show a certificate, and its name is their user. Default: false."""


class DeclaredBrokerUserDoc(TypedDict):
    """A user with ACL lines of its own."""

    __pydantic_config__ = _STRICT | {"title": "BrokerUserDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    acl: list[Annotated[str, Pattern(r"(?:(?:read|write|readwrite|deny) )?\S[\s\S]*"), Expected(_ACL_LINE)]]
    """Each `read`, `write`, `readwrite` or `deny`, and a topic filter."""


BrokerUserValue = Annotated[
    Literal["observer", "worker", "reconciler"] | DeclaredBrokerUserDoc,
    Expected("observer, worker, reconciler or {acl: [LINE, ...]}"),
]


class CaDoc(TypedDict):
    """A CA that is there already."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    cert: Path
    """Its certificate."""
    key: Path
    """Its private key; it is read, and copied nowhere."""


class TlsDoc(TypedDict):
    """How certificates are made."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    key: NotRequired[Literal["ecdsa-p256", "rsa-2048"]]
    """Kind of the private keys. Default: ecdsa-p256."""
    ca_days: NotRequired[Days]
    """Lifetime of the CA. Default: 3650."""
    leaf_days: NotRequired[Days]
    """Lifetime of all other certificates, which are renewed after two thirds of it. Default: 90."""
    ca: NotRequired[CaDoc]
    """Sign with this CA. Default: one is made."""


class LimitsDoc(TypedDict):
    """What one client may ask of the broker."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    connections: NotRequired[Count]
    """Connections at a time, for each listener. Default: 1000."""
    packet_size: NotRequired[Count]
    """Bytes of the largest packet. Default: 262144."""
    queued_messages: NotRequired[Count]
    """Messages kept for a client that is away or slow. Default: 10000."""
    inflight_messages: NotRequired[Count]
    """Messages on their way to a client at a time. Default: 50."""
    keepalive: NotRequired[Count]
    """Seconds that a client may be silent. Default: 300."""
    expiry: NotRequired[Days]
    """Days after which the session of a client that stays away is forgotten. Default: 7."""


class BrokerDoc(TypedDict):
    """A locked-down Mosquitto that carries the events of jobs."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    name: NotRequired[Name]
    """Name of the broker, for its address `broker.NAME`. Default: main."""
    dir: NotRequired[Path]
    """Folder for everything that it needs. Default: .hermes/broker, for another name than main .hermes/broker-NAME."""
    host: NotRequired[str]
    """Host name or address by which clients reach it. Default: localhost."""
    names: NotRequired[list[str]]
    """Further names and addresses in the server's certificate; localhost is always there."""
    listeners: NotRequired[list[ListenerDoc]]
    """The ports that it listens on. Default: 8883."""
    users: NotRequired[dict[Name, BrokerUserValue]]
    """Who may log in. Default: hermes as observer, claude-worker as worker."""
    topics: NotRequired[list[str]]
    """Topic filters of the job events, which the roles are about. Default: python/mqtt/jobs/+/events."""
    demo_topic: NotRequired[bool]
    """Let every user read and write python/mqtt/sample. Default: false."""
    tls: NotRequired[TlsDoc]
    """How certificates are made."""
    persistence: NotRequired[bool]
    """Keep retained messages and sessions over a restart. Default: true."""
    limits: NotRequired[LimitsDoc]
    """What one client may ask of it."""
    target: NotRequired[Literal["process", "docker", "systemd"]]
    """What runs it: this user, docker compose or systemd. Default: process."""


class AcceptDoc(TypedDict):
    """A drift that somebody knows of, and lets be for a while."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    address: Accepted
    """What it is about: `agent.WORKSPACE.NAME`, `broker.NAME`, or a session that is in no manifest."""
    path: DriftPath
    """A class of drift, `A` to `L`, or the field that it is about, such as `pane.cwd`."""
    until: Date
    """The last day, in UTC, on which it is no news."""
    owner: Sentence
    """Who sees to it."""
    why: Sentence
    """Why it may stay for now."""


class ManifestDoc(TypedDict):
    """What should be there: workspaces and the AI coding agents that work in them."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    version: Literal[1]
    """Version of the manifest's format."""
    project: NotRequired[Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*"), Expected("a name")]]
    """Name of the project. Default: the name of the project folder."""
    tmux: NotRequired[TmuxDoc]
    """Which tmux server holds the sessions."""
    defaults: NotRequired[DefaultsDoc]
    """What is assumed where nothing is said."""
    workspaces: NotRequired[dict[Name, WorkspaceDoc]]
    """Folders that agents work in, by name."""
    agent_types: NotRequired[dict[Name, AgentTypeDoc]]
    """Agent CLIs of your own, by name."""
    broker: NotRequired[BrokerDoc]
    """The message broker of the project."""
    accept: NotRequired[list[AcceptDoc]]
    """Drift that is no news until a day."""


def manifest_schema() -> dict[str, Json]:
    """The JSON Schema that is published as `schemas/manifest.schema.json`."""
    return json_schema(ManifestDoc, title="reconciler manifest", identifier="urn:reconciler:manifest:1")


def keys_at(parents: Sequence[str]) -> list[str]:
    """The keys that a mapping may have at a path of a manifest whose steps are `parents`."""
    shape: Any = ManifestDoc
    for step in parents:
        shape = shape_inside(shape, step)
    return keys_of(shape)


def keys_of(shape: Any) -> list[str]:
    """The published keys of a mapping, in their order; none where users choose them, and where nothing is known."""
    return list(get_type_hints(shape)) if is_typeddict(shape) else []


def shape_inside(shape: Any, step: str) -> Any:
    """The shape of what stands under a key, or at an index, of something; None where nothing is known."""
    if is_typeddict(shape):
        inner = get_type_hints(shape).get(step)
    else:
        inner = get_args(shape)[-1] if get_origin(shape) in {dict, list} else None
    if get_origin(inner) in {dict, list}:
        return inner
    return next(filter(is_typeddict, (inner, *get_args(inner))), None)
