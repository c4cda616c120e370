"""Fill in what a manifest leaves out: defaults, absolute paths, session names."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import (
    Address,
    agent_address,
    agent_session,
    block_name,
    is_name,
    parse_address,
    workspace_address,
)
from reconciler.model.desired import (
    DEFAULT_ROLE,
    Agent,
    AgentType,
    Budget,
    EnvOrigin,
    EnvVar,
    Git,
    OnExceed,
    RunState,
    Socket,
    Workspace,
)
from reconciler.model.diagnostic import Place
from reconciler.model.duration import seconds

from .document import ManifestContext
from .merge import Block

_RUNNING = RunState.RUNNING
_COMMAND_SECONDS = 30
_TYPE_FIELDS = frozenset({"command", "wrap", "new", "resume", "artifacts", "quit", "busy", "extends"})
_NOTHING: Mapping[str, Any] = {}
_LAUNCH = frozenset({"wrap", "command", "path", "cwd", "args"})


class Defaults(Struct, frozen=True):
    """The settings of every agent that does not set them itself."""

    agent: Mapping[str, Any]
    env: Mapping[str, EnvVar]


def defaults(block: Block | None, context: ManifestContext) -> Defaults:
    """The `defaults` of all manifests. `block` is None when there are none."""
    if block is None or "agent" not in block.content:
        return Defaults({}, {})
    agent = block.content["agent"]
    return Defaults(agent, _env(block, "agent.env", agent.get("env", _NOTHING), context))


def socket(block: Block | None, context: ManifestContext) -> Socket:
    """The tmux server: from `block`, else from $TMUX_SERVER_NAME, else the default one."""
    given = block.content if block else _NOTHING
    if path := given.get("socket_path"):
        return Socket(path=absolute(path, context), place=block.place("socket_path") if block else None)
    named = block.place("socket") if block and given.get("socket") else None
    return Socket(given.get("socket") or context.env.get("TMUX_SERVER_NAME", ""), place=named)


def workspace(name: str, block: Block, context: ManifestContext) -> Workspace:
    """The workspace that `block` declares."""
    git = block.content.get("git")
    return Workspace(
        workspace_address(name),
        absolute(block.content["path"], context),
        Git(absolute(git["repo"], context), git["branch"], git.get("base", "")) if git else None,
        budget=budget(block.content.get("budget"), block.place("budget")),
        profiles=tuple(block.content.get("profiles", ())),
        place=block.place(),
    )


def budget(given: Mapping[str, Any] | None, place: Place) -> Budget | None:
    """The budget that a manifest gives at `place`; None when it gives none."""
    if given is None:
        return None
    how = OnExceed(given["on_exceed"]) if "on_exceed" in given else OnExceed.NOTIFY
    dollars = given.get("usd_per_day")
    return Budget(given.get("tokens_per_day"), None if dollars is None else float(dollars), how, place)


def agents(home: Workspace, block: Block, base: Defaults, context: ManifestContext) -> Iterator[tuple[Agent, Block]]:
    """The agents of the workspace `home` that `block` declares, each with its own block."""
    env = {**base.env, **_env(block, "env", block.content.get("env", _NOTHING), context)}
    for name, given in block.content.get("agents", _NOTHING).items():
        own = Block(block.source, f"{block.path}.agents.{name}", {**base.agent, **given} if given else base.agent)
        own_env = _env(own, "env", given["env"], context) if given and "env" in given else _NOTHING
        bare = _agent(home, name, own, (*{**env, **own_env}.values(),))
        yield _with_launch(bare, own.content, context), own


def _with_launch(bare: Agent, given: Mapping[str, Any], context: ManifestContext) -> Agent:
    """The agent with what its block says about the command line, with every path absolute."""
    if not _LAUNCH.intersection(given):
        return bare
    elsewhere = "cwd" in given
    return replace(
        bare,
        cwd=_below(bare.cwd, given["cwd"], context) if elsewhere else bare.cwd,
        workspace_path=bare.cwd if elsewhere else "",
        wrap=_words(given.get("wrap", ()), context),
        command=_command(given.get("command", ()), context) if "command" in given else (),
        path=tuple(absolute(each, context) for each in given.get("path", ())),
        args=_words(given.get("args", ()), context),
    )


def _below(folder: str, path: str, context: ManifestContext) -> str:
    """The absolute path. A relative path starts at `folder`, `~` is the home folder."""
    return posixpath.normpath(posixpath.join(folder, _at_home(path, context)))


def _agent(home: Workspace, name: str, block: Block, env: tuple[EnvVar, ...]) -> Agent:
    given = block.content
    workspace_name = home.address.workspace
    role = given.get("role", DEFAULT_ROLE)
    return Agent(
        address=agent_address(workspace_name, name),
        session=agent_session(workspace_name, role, name),
        type=given.get("type") or block_name(name),
        role=role,
        cwd=home.path,
        env=env,
        prompt=given.get("prompt", ""),
        resume=given.get("resume", "auto"),
        state=RunState(given["state"]) if "state" in given else _RUNNING,
        protect=given.get("protect", False),
        trust=given.get("trust", False),
        ignore=frozenset(given.get("ignore", ())),
        depends_on=tuple(_dependency(workspace_name, text) for text in given.get("depends_on", ())),
        budget=budget(given["budget"], block.place("budget")) if "budget" in given else None,
        pool=given.get("pool", ""),
        profiles=tuple(given.get("profiles", ())),
        place=block.place(),
    )


def _dependency(workspace_name: str, text: str) -> Address:
    """The address that `text` refers to. Invalid text becomes an address that no agent has, which `links` reports."""
    address = None if is_name(text) else parse_address(text)
    return address or agent_address(workspace_name, text)


def agent_type(name: str, block: Block, context: ManifestContext) -> AgentType:
    """The agent type that `block` declares."""
    given = block.content
    return AgentType(
        name,
        _command(given.get("command", ()), context),
        wrap=_words(given.get("wrap", ()), context),
        new=_words(given.get("new", ()), context),
        resume=_words(given.get("resume", ()), context),
        artifacts=tuple(given.get("artifacts", ())),
        quit=given.get("quit", ""),
        busy=given.get("busy", ""),
        extends=given.get("extends", ""),
        parts={key: value for key, value in given.items() if key not in _TYPE_FIELDS},
        place=block.place(),
    )


def _env(block: Block, key: str, values: Mapping[str, Any], context: ManifestContext) -> dict[str, EnvVar]:
    return {name: _variable(block, f"{key}.{name}", name, value, context) for name, value in values.items()}


def _variable(block: Block, key: str, name: str, value: Any, context: ManifestContext) -> EnvVar:
    match value:
        case str():
            expanded = f"{block.path}.{key}" in block.source.expanded
            return EnvVar(name, EnvOrigin.EXPANDED if expanded else EnvOrigin.LITERAL, value)
        case {"from_env": variable}:
            return EnvVar(name, EnvOrigin.FROM_ENV, source=variable)
        case {"from_command": words}:
            source = "".join(f"{word}\0" for word in _program_words(words, context))
            timeout = seconds(str(value.get("timeout", _COMMAND_SECONDS)))
            return EnvVar(name, EnvOrigin.FROM_COMMAND, source=source, timeout=timeout)
        case _:
            return EnvVar(name, EnvOrigin.FROM_FILE, source=absolute(value["from_file"], context))


def _program_words(words: list[str], context: ManifestContext) -> tuple[str, ...]:
    """The words of a command that runs in the project folder, where a relative program with a slash is looked for."""
    program, *rest = _words(words, context)
    return (absolute(program, context) if "/" in program else program, *rest)


def absolute(path: str, context: ManifestContext) -> str:
    """The absolute path. A relative path starts at the project root, `~` is the home folder."""
    return posixpath.normpath(posixpath.join(context.root, _at_home(path, context)))


def _command(given: str | list[str], context: ManifestContext) -> tuple[str, ...]:
    return _words([given] if isinstance(given, str) else given, context)


def _words(words: Iterable[str], context: ManifestContext) -> tuple[str, ...]:
    """Words of a command line, or paths, with `~` at the start replaced by the home folder, as in a shell."""
    return tuple(_at_home(word, context) for word in words)


def _at_home(path: str, context: ManifestContext) -> str:
    return context.home + path[1:] if path == "~" or path.startswith("~/") else path
