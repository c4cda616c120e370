"""Make the manifest blocks of adopted agents: as data for an existing manifest, as text for a new one. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from reconciler.model.adoption import FoundAgent
from reconciler.model.adoption_plan import AdoptedAgent, AdoptedType, AdoptedWorkspace, AdoptionPlan
from reconciler.model.desired import DEFAULT_ROLE, RunState, Socket
from reconciler.model.record import Json
from reconciler.text.quoting import flow, scalar

_LONG = 2  # a block with this many keys is not written on one line


def lasting_comment(agent: AdoptedAgent) -> str:
    """The comment of an agent's block. It leaves out notes that are only true today."""
    return "; ".join(agent.comments)


class ManifestFrame(Struct, frozen=True):
    """The parts of a new manifest around its agents."""

    root: str
    """The folder of the manifest."""
    socket: Socket = Socket()
    """The tmux server."""
    head: tuple[str, ...] = ()
    """The lines of the comment at the top."""
    comment_of: Callable[[AdoptedAgent], str] = lasting_comment


def agent_block(agent: AdoptedAgent, *, in_full: bool = False) -> dict[str, Json]:
    """The block of one agent. Values that equal the defaults are left out, unless `in_full`."""
    found = agent.found
    block: dict[str, Json] = {}
    if in_full or found.type != agent.address.agent:
        block["type"] = found.type
    if in_full or found.role != DEFAULT_ROLE:
        block["role"] = found.role
    if in_full or found.state is not RunState.RUNNING:
        block["state"] = found.state.value
    return block | _started_with(found)


def _started_with(found: FoundAgent) -> dict[str, Json]:
    block: dict[str, Json] = {}
    if found.args:
        block["args"] = [literal(each) for each in found.args]
    if found.env:
        block["env"] = {name: literal(value) for name, value in found.env.items()}
    if found.prompt:
        block["prompt"] = literal(found.prompt)
    if found.ignore:
        block["ignore"] = list(found.ignore)
    if found.protect:
        block["protect"] = True
    if found.depends_on:
        block["depends_on"] = list(found.depends_on)
    return block


def workspace_block(space: AdoptedWorkspace, agents: Mapping[str, Json], root: str) -> dict[str, Json]:
    """The block of one workspace with these agents."""
    git: dict[str, Json] = {}
    if space.git:
        values = {"repo": portable(space.git.repo, root), "branch": space.git.branch, "base": space.git.base}
        git = {"git": {key: value for key, value in values.items() if value}}
    return {"path": portable(space.path, root), **git, "agents": dict(agents)}


def type_block(kind: AdoptedType) -> dict[str, Json]:
    """The block of an agent type that neither reconciler nor a manifest knows."""
    return {"command": [literal(word) for word in kind.command]}


def portable(path: str, root: str) -> str:
    """The path of a folder for a manifest: relative to the project folder if the folder is inside it."""
    inside = path == root or path.startswith(f"{root.rstrip(os.sep)}{os.sep}")
    return literal(os.path.relpath(path, root) if inside else path)


def literal(text: str) -> str:
    """The text with `${` escaped, which would begin a variable in a manifest."""
    return text.replace("${", "$${")


# --- a new manifest ---------------------------------------------------------------------------


def manifest_text(plan: AdoptionPlan, frame: ManifestFrame) -> Iterator[str]:
    """The lines of a manifest that declares everything not yet declared, with comments."""
    agents = [agent for agent in plan.agents if not agent.declared]
    yield from (f"# {line}" for line in frame.head)
    yield "version: 1"
    yield from _tmux(frame.socket)
    yield "workspaces:" if agents else "workspaces: {}"
    for space in plan.workspaces:
        inside = [agent for agent in agents if agent.address.workspace == space.name]
        if inside:
            yield from _workspace(space, inside, frame)
    yield from _own_types(plan.types)


def _tmux(socket: Socket) -> Iterator[str]:
    if socket.path:
        yield f"tmux: {{socket_path: {scalar(literal(socket.path))}}}"
    elif socket.name:
        yield f"tmux: {{socket: {scalar(literal(socket.name))}}} # attach with: tmux -L {socket.name} attach"


def _workspace(space: AdoptedWorkspace, agents: Iterable[AdoptedAgent], frame: ManifestFrame) -> Iterator[str]:
    block = workspace_block(space, {}, frame.root)
    yield f"  {scalar(space.name)}:"
    for key, value in block.items():
        if key != "agents":
            yield f"    {key}: {flow(value)}"
    yield "    agents:"
    for agent in agents:
        yield from _agent(agent, frame.comment_of(agent))


def _agent(agent: AdoptedAgent, comment: str) -> Iterator[str]:
    block = agent_block(agent)
    remark = comment if comment.isprintable() else ""  # a line break in it would end the comment
    short = flow(block) if len(block) < _LONG else ""
    yield f"      {scalar(agent.address.agent)}:{f' {short}' if short else ''}{f' # {remark}' if remark else ''}"
    for key, value in {} if short else block.items():
        yield f"        {key}: {flow(value)}"


def _own_types(types: Iterable[AdoptedType]) -> Iterator[str]:
    kinds = list(types)
    if kinds:
        yield "agent_types: # please review: only the command of each type is known"
    for kind in kinds:
        yield f"  {scalar(kind.name)}:"
        yield f"    command: {flow([literal(word) for word in kind.command])}"
