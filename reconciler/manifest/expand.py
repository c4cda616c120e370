"""What a manifest leaves out, filled in: defaults, absolute paths, names of sessions."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from reconciler.model.address import Address, agent_address, is_name, parse_address, workspace_address
from reconciler.model.desired import DEFAULT_ROLE, Agent, AgentType, EnvOrigin, EnvVar, Git, RunState, Socket, Workspace

from .document import ManifestContext
from .merge import Block

_RUNNING = RunState.RUNNING
_NOTHING: Mapping[str, Any] = {}


class Defaults(Struct, frozen=True):
    """What holds for every agent that does not say otherwise."""

    agent: Mapping[str, Any]
    env: Mapping[str, EnvVar]


def defaults(block: Block | None, around: ManifestContext) -> Defaults:
    """The `defaults` of all manifests; `block` is None when there are none."""
    if block is None or "agent" not in block.content:
        return Defaults({}, {})
    agent = block.content["agent"]
    return Defaults(agent, _env(block, "agent.env", agent.get("env", _NOTHING), around))


def socket(block: Block | None, around: ManifestContext) -> Socket:
    """The tmux server that `block` names, else the one that $TMUX_SERVER_NAME names, else the default one."""
    said = block.content if block else _NOTHING
    if path := said.get("socket_path"):
        return Socket(path=absolute(path, around), place=block.place("socket_path") if block else None)
    named = block.place("socket") if block and said.get("socket") else None
    return Socket(said.get("socket") or around.env.get("TMUX_SERVER_NAME", ""), place=named)


def workspace(name: str, block: Block, around: ManifestContext) -> Workspace:
    """The workspace that `block` declares."""
    git = block.content.get("git")
    return Workspace(
        workspace_address(name),
        absolute(block.content["path"], around),
        Git(absolute(git["repo"], around), git["branch"], git.get("base", "")) if git else None,
        block.place(),
    )


def agents(home: Workspace, block: Block, base: Defaults, around: ManifestContext) -> Iterator[tuple[Agent, Block]]:
    """The agents of the workspace `home` that `block` declares, each with its own block."""
    env = {**base.env, **_env(block, "env", block.content.get("env", _NOTHING), around)}
    for name, said in block.content.get("agents", _NOTHING).items():
        own = Block(block.source, f"{block.path}.agents.{name}", {**base.agent, **said} if said else base.agent)
        own_env = _env(own, "env", said["env"], around) if said and "env" in said else _NOTHING
        args = _words(own.content.get("args", ()), around)
        yield _agent(home, name, own, args, (*{**env, **own_env}.values(),)), own


def _agent(home: Workspace, name: str, block: Block, args: tuple[str, ...], env: tuple[EnvVar, ...]) -> Agent:
    said = block.content
    workspace_name = home.address.workspace
    role = said.get("role", DEFAULT_ROLE)
    return Agent(
        address=agent_address(workspace_name, name),
        session=f"{workspace_name}-{role}-{name}",
        type=said.get("type", name),
        role=role,
        cwd=home.path,
        args=args,
        env=env,
        prompt=said.get("prompt", ""),
        resume=said.get("resume", "auto"),
        state=RunState(said["state"]) if "state" in said else _RUNNING,
        protect=said.get("protect", False),
        trust=said.get("trust", False),
        ignore=frozenset(said.get("ignore", ())),
        depends_on=tuple(_dependency(workspace_name, text) for text in said.get("depends_on", ())),
        place=block.place(),
    )


def _dependency(workspace_name: str, text: str) -> Address:
    """What `text` refers to; text that is no address becomes one that no agent has."""
    address = None if is_name(text) else parse_address(text)
    return address or agent_address(workspace_name, text)


def agent_type(name: str, block: Block, around: ManifestContext) -> AgentType:
    """The agent type that `block` declares."""
    said = block.content
    command = said["command"]
    return AgentType(
        name,
        _words([command] if isinstance(command, str) else command, around),
        new=_words(said.get("new", ()), around),
        resume=_words(said.get("resume", ()), around),
        artifacts=_words(said.get("artifacts", ()), around),
        quit=said.get("quit", ""),
        busy=said.get("busy", ""),
        place=block.place(),
    )


def _env(block: Block, key: str, values: Mapping[str, Any], around: ManifestContext) -> dict[str, EnvVar]:
    return {name: _variable(block, f"{key}.{name}", name, value, around) for name, value in values.items()}


def _variable(block: Block, key: str, name: str, value: Any, around: ManifestContext) -> EnvVar:
    match value:
        case str():
            expanded = f"{block.path}.{key}" in block.source.expanded
            return EnvVar(name, EnvOrigin.EXPANDED if expanded else EnvOrigin.LITERAL, value)
        case {"from_env": variable}:
            return EnvVar(name, EnvOrigin.FROM_ENV, source=variable)
        case _:
            return EnvVar(name, EnvOrigin.FROM_FILE, source=absolute(value["from_file"], around))


def absolute(path: str, around: ManifestContext) -> str:
    """`path` from the root of the file system; a relative one starts at the project root."""
    return posixpath.normpath(posixpath.join(around.root, _at_home(path, around)))


def _words(words: Iterable[str], around: ManifestContext) -> tuple[str, ...]:
    """Words of a command line, or paths: `~` at the start of one is the home folder, as in a shell."""
    return tuple(_at_home(word, around) for word in words)


def _at_home(path: str, around: ManifestContext) -> str:
    return around.home + path[1:] if path == "~" or path.startswith("~/") else path
