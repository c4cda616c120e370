"""The shape of a manifest: what is checked, what `schemas/manifest.schema.json` publishes.

The sentences below are shown by editors. Text may hold `${NAME}`, so a rule about text is held
here only where no variable stands, and again by `variables` after the expansion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin

from typing_extensions import TypedDict, get_type_hints, is_typeddict

from reconciler.model.record import Json
from reconciler.model.schema import Pattern, Says, json_schema

from .rules import NAME_RULE, RULES, VARIABLE

_WITH_VARIABLE = r"[\s\S]*\$\{[\s\S]*"
_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}


def _rule(key: str) -> tuple[Pattern, Says]:
    regex, words = RULES[key]
    return Pattern(f"{regex}|{_WITH_VARIABLE}"), Says(words)


Name = Annotated[str, Pattern(NAME_RULE[0]), Says(NAME_RULE[1])]
Variable = Annotated[str, Pattern(VARIABLE), Says("the name of an environment variable")]
TypeName = Annotated[str, *_rule("type")]
RoleName = Annotated[str, *_rule("role")]
Resume = Annotated[str, *_rule("resume")]
SocketName = Annotated[str, *_rule("socket")]
Branch = Annotated[str, *_rule("branch")]
Path = Annotated[str, *_rule("path")]
Word = Annotated[str, Pattern(r"\S+")]
Argv = list[str]


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


EnvValue = Annotated[str | FromEnv | FromFile, Says("a string, {from_env: NAME} or {from_file: PATH}")]
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

    command: Annotated[Word | list[str], Says("a list of strings, or one word")]
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


class ManifestDoc(TypedDict):
    """What should be there: workspaces and the AI coding agents that work in them."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    version: Literal[1]
    """Version of the manifest's format."""
    project: NotRequired[Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*"), Says("a name")]]
    """Name of the project. Default: the name of the project folder."""
    tmux: NotRequired[TmuxDoc]
    """Which tmux server holds the sessions."""
    defaults: NotRequired[DefaultsDoc]
    """What is assumed where nothing is said."""
    workspaces: NotRequired[dict[Name, WorkspaceDoc]]
    """Folders that agents work in, by name."""
    agent_types: NotRequired[dict[Name, AgentTypeDoc]]
    """Agent CLIs of your own, by name."""
    broker: NotRequired[dict[str, Any]]
    """Message brokers, by name. Accepted and not applied yet."""


def manifest_schema() -> dict[str, Json]:
    """The JSON Schema that is published as `schemas/manifest.schema.json`."""
    return json_schema(ManifestDoc, title="reconciler manifest", identifier="urn:reconciler:manifest:1")


def keys_at(parents: Sequence[str]) -> list[str]:
    """The keys that a mapping may have at a path of a manifest whose steps are `parents`."""
    shape: Any = ManifestDoc
    for step in parents:
        inner = get_type_hints(shape)[step] if is_typeddict(shape) else get_args(shape)[-1]
        origin: Any = get_origin(inner)
        shape = inner if origin is dict else next(filter(is_typeddict, (inner, *get_args(inner))))
    return list(get_type_hints(shape))
