"""The shape of the registry file, as `schemas/registry.schema.json` publishes it.

Other tools add keys of their own, so every level allows more keys than it names. Only `schema print` imports this;
checks use the published file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

_OPEN = {"extra": "allow"}
_SESSION_ID_OWN = {
    "description": "Id of the conversation of the agent that the key names; null until it exists.",
    "type": ["string", "null"],
}

Needed = Annotated[str, Field(min_length=1)]
Number = Annotated[int, Field(ge=0)] | None
Text = str | None
Texts = list[str] | None
Flag = bool | None
Status = Literal["running", "stopped", "terminated", "archived"]


class PaneDoc(TypedDict):
    """The tmux pane of the session."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    id: NotRequired[Text]
    """tmux's id of the pane; valid only until its server ends."""
    pid: NotRequired[Number]
    """Process id of the agent."""
    cmd: NotRequired[Text]
    """The command that ran in the pane."""
    cwd: NotRequired[Text]
    """The folder that it ran in."""
    started: NotRequired[Number]
    """When the process started, in clock ticks since boot: tells it from a later one with its pid."""


class ServerDoc(TypedDict):
    """One tmux server, from its start to its end."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    socket: NotRequired[Text]
    """Path or name of the server's socket."""
    pid: NotRequired[Number]
    """Process id of the server."""
    started: NotRequired[Text]
    """When the server started: UTC, ISO 8601 with a Z."""
    path: NotRequired[Text]
    """Path of the server's socket."""
    ticks: NotRequired[Number]
    """When its process started, in clock ticks since boot: tells it from a later one with its pid."""
    boot: NotRequired[Text]
    """Id of the boot in which the process id is valid."""
    namespace: NotRequired[Text]
    """The pid namespace in which the process id is valid."""


class SpecDoc(TypedDict):
    """How the agent was actually started."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    type: NotRequired[Text]
    """The agent type."""
    command: NotRequired[Texts]
    """The command, one string per word."""
    args: NotRequired[Texts]
    """The arguments, one string each."""
    env: NotRequired[dict[str, Text] | None]
    """Environment variables; sensitive ones as `hmac-sha256:...`, removed ones as null."""
    cwd: NotRequired[Text]
    """The folder it was started in."""
    wrap: NotRequired[Texts]
    """The words before the command."""
    path: NotRequired[Texts]
    """The folders that were put before its PATH."""


class SessionDoc(TypedDict):
    """One recorded session; `NAME_session_id_own` holds the conversation of the agent NAME."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    workspace: Needed
    """The workspace that the agent works in."""
    agent: Needed
    """Name of the agent within its workspace."""
    type: NotRequired[Text]
    """The agent type. Default: the agent's name."""
    role: NotRequired[Text]
    """What the agent is for."""
    status: Status
    """The recorded status of the session."""
    last_visible_status: NotRequired[Status | None]
    """The status of the session at the last look."""
    last_visible_note: NotRequired[Text]
    """Free text about the status."""
    resumable: NotRequired[Flag]
    """Whether the conversation can be resumed."""
    pane: NotRequired[PaneDoc | None]
    server: NotRequired[ServerDoc | None]
    spec: NotRequired[SpecDoc | None]
    spec_digest: NotRequired[Text]
    """Digest of what the agent was started with."""
    managed: NotRequired[Flag]
    """False: recorded because it was found running; it is not in a manifest. Default: true."""
    depends_on: NotRequired[Texts]
    """Addresses of the agents that it depends on. It ends before them, even when its manifest block is gone."""
    protect: NotRequired[Flag]
    """True: the session stays when its manifest block is removed."""
    created_at: NotRequired[Text]
    """When the session was started. UTC, ISO 8601 with a Z, like all times here."""
    updated_at: NotRequired[Text]
    terminated_at: NotRequired[Text]
    termination_mode: NotRequired[Text]
    """How the session ended."""
    stopped_reason: NotRequired[Text]
    """Why the session was stopped."""


class IdentityDoc(TypedDict):
    """The conversation that belongs to an agent."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    session_id: NotRequired[Text]
    """Id of the conversation. It is reserved before the start and stays after the end."""
    previous: NotRequired[Texts]
    """Ids of earlier conversations, newest first."""


class RecordedGitDoc(TypedDict):
    """The workspace is a git worktree."""

    __pydantic_config__ = _OPEN | {"title": "GitDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    repo: NotRequired[Text]
    """Path of the repository."""
    branch: NotRequired[Text]
    """Branch of the worktree."""


class RecordedWorkspaceDoc(TypedDict):
    """One recorded workspace."""

    __pydantic_config__ = _OPEN | {"title": "WorkspaceDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    path: NotRequired[Text]
    """The folder."""
    created: NotRequired[Flag]
    """Whether reconciler made the folder."""
    git: NotRequired[RecordedGitDoc | None]
    managed: NotRequired[Flag]
    """False: it is not in a manifest. Default: true."""
    agent_identities: NotRequired[dict[str, IdentityDoc | None] | None]
    """The conversations, by name of the agent."""


class RecordedBrokerDoc(TypedDict):
    """One recorded broker; it is stopped when no manifest declares it."""

    __pydantic_config__ = _OPEN | {"title": "BrokerDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    dir: Needed
    """The folder of its files. The broker is stopped only if it was started with these files."""
    target: NotRequired[Text]
    """What runs it: process, docker or systemd. Default: process."""
    managed: NotRequired[Flag]
    """False: left running when no manifest declares it. Default: true."""


class OriginDoc(TypedDict):
    """Where the registry was written; this tells the project from a copy of it."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    machine: NotRequired[Text]
    """A mark made from the machine id; empty if the machine has none."""
    host: NotRequired[Text]
    """The machine's name."""
    folder: NotRequired[Text]
    """The real path of the registry's folder."""
    device: NotRequired[Number]
    """The device that the folder is on."""
    inode: NotRequired[Number]
    """The folder's inode, which does not change when the folder is renamed."""


class RegistryDoc(TypedDict):
    """What reconciler recorded about workspaces, sessions and brokers: `.hermes/agent-sessions.yaml`."""

    __pydantic_config__ = _OPEN  # type: ignore[misc] # a hook of pydantic, not a key

    version: NotRequired[Literal[1]]
    """Version of this format. A file without it has an older form and gets it at the next write."""
    lineage: NotRequired[Text]
    """Random id, made once; marks the sessions that belong to this registry."""
    serial: NotRequired[Number]
    """Grows by one with every write."""
    origin: NotRequired[OriginDoc | None]
    workspaces: NotRequired[dict[str, RecordedWorkspaceDoc | None] | None]
    """The workspaces, by name."""
    sessions: NotRequired[dict[str, SessionDoc] | None]
    """The sessions, by name."""
    brokers: NotRequired[dict[str, RecordedBrokerDoc] | None]
    """The brokers, by name."""
    agent_identities: NotRequired[dict[str, IdentityDoc | None] | None]
    """Conversations by the agent's name alone, as older tools wrote them. Read, never written."""


def registry_schema() -> dict[str, Json]:
    """The draft-07 JSON Schema of the registry file."""
    schema = cast(dict[str, Any], json_schema(RegistryDoc, title="Registry", identifier="registry.schema.json"))
    # A TypedDict cannot describe keys with a common suffix.
    schema["definitions"]["SessionDoc"]["patternProperties"] = {"_session_id_own$": _SESSION_ID_OWN}
    return cast(dict[str, Json], _without_simple_unions(schema))


def _without_simple_unions(node: Any) -> Any:
    """Write `T or null` as one type check, which halves the time of a registry write."""
    match node:
        case {"anyOf": [{"type": str(kind)} as some, {"type": "null"}], **beside}:
            return _without_simple_unions({**beside, **_or_null(some), "type": [kind, "null"]})
        case dict():
            return {key: _without_simple_unions(value) for key, value in node.items()}
        case list():
            return [_without_simple_unions(item) for item in node]
        case _:
            return node


def _or_null(some: dict[str, Any]) -> dict[str, Any]:
    return {**some, "enum": [*some["enum"], None]} if "enum" in some else some
