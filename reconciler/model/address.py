"""Addresses, which name what is declared: `workspace.NAME`, `agent.WORKSPACE.NAME` or `broker.NAME`."""

from __future__ import annotations

import re

from msgspec import Struct

# tmux runs formats in names (`#(command)`) and rewrites `.` and `:`, so every name is checked before tmux sees it.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_NAME = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    """True when `text` may name a workspace, a role, an agent or an agent type."""
    return _NAME.fullmatch(text) is not None


class Address(Struct, frozen=True, order=True):
    """The identity of one workspace, agent or broker. It stays when the session is renamed."""

    kind: str
    workspace: str
    agent: str = ""

    def __str__(self) -> str:
        parts = (self.kind, self.workspace, self.agent) if self.agent else (self.kind, self.workspace)
        return ".".join(parts)


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
    if (parts[0], len(parts)) not in _SHAPES or not all(map(is_name, parts[1:])):
        return None
    return Address(*parts)
