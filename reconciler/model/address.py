"""Addresses, which name what is declared: `workspace.NAME`, `agent.WORKSPACE.NAME` or `broker.NAME`.

A block with `for_each` declares instances: the name of each is `NAME[KEY]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

# tmux runs formats in names (`#(command)`) and rewrites `.` and `:`, so every name is checked before tmux sees it.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]*"
HOST_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
"""A name that can be a part of a topic of MQTT and of a subject of NATS: of a host that gets jobs, and of a pool."""
HOST_PREFIX = "host-"
"""What the queue of one host is named with beside the queues of the pools, so no pool may begin with it."""
INSTANCE_PATTERN = rf"{NAME_PATTERN}(?:\[{NAME_PATTERN}\])?"
_NAME = re.compile(NAME_PATTERN)
_OWN_NAME = re.compile(INSTANCE_PATTERN)


def is_name(text: str) -> bool:
    """True when `text` may name a workspace, a role, an agent or an agent type."""
    return _NAME.fullmatch(text) is not None


def instance_name(name: str, key: str) -> str:
    """The name of the instance `key` of a block with `for_each`."""
    return f"{name}[{key}]"


def block_name(name: str) -> str:
    """The name of the block that declares `name`: the same, without the key of an instance."""
    return name.partition("[")[0]


def agent_session(workspace: str, role: str, agent: str) -> str:
    """The name of a declared agent's session. tmux gets no brackets: the key of an instance follows a dash."""
    name = f"{workspace}-{role}-{agent}"
    return name.replace("[", "-").replace("]", "") if "[" in name else name


def session_role(session: str, workspace: str, agent: str) -> str:
    """The role in the name of an agent's session; empty if the session is not named after the agent."""
    head, tail = agent_session(workspace, "", "")[:-1], agent_session("", "", agent)[1:]
    role = session.removeprefix(head).removesuffix(tail)
    return role if is_name(role) and session == f"{head}{role}{tail}" else ""


class Address(Struct, frozen=True, order=True):
    """The identity of one workspace, agent or broker. It stays when the session is renamed."""

    kind: str
    workspace: str
    agent: str = ""

    def __str__(self) -> str:
        parts = (self.kind, self.workspace, self.agent) if self.agent else (self.kind, self.workspace)
        return ".".join(parts)

    @property
    def blocks(self) -> Iterator[Address]:
        """The addresses that mean this instance together with others; none if it is no instance."""
        workspace, agent = block_name(self.workspace), block_name(self.agent)
        if agent != self.agent:
            yield Address(self.kind, self.workspace, agent)
        if workspace != self.workspace:
            yield Address(self.kind, workspace, self.agent)
        if agent != self.agent and workspace != self.workspace:
            yield Address(self.kind, workspace, agent)


def workspace_address(name: str) -> Address:
    """The address of the workspace called `name`."""
    return Address("workspace", name)


def agent_address(workspace: str, name: str) -> Address:
    """The address of the agent `name` in `workspace`."""
    return Address("agent", workspace, name)


def broker_address(name: str) -> Address:
    """The address of the broker called `name`."""
    return Address("broker", name)


_SHAPES = {("workspace", 2), ("broker", 2), ("agent", 3)}


def parse_address(text: str) -> Address | None:
    """The address that `text` spells, or None when it is not an address."""
    parts = text.split(".")
    if (parts[0], len(parts)) not in _SHAPES:
        return None
    allowed = _NAME if parts[0] == "broker" else _OWN_NAME
    if not all(map(allowed.fullmatch, parts[1:])):
        return None
    return Address(*parts)
