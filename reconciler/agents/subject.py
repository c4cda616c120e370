"""The agent that a profile is asked about."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class AgentEnvironment(Struct, frozen=True):
    """The folder, home and environment of one agent. `cwd` is a real path; `env` is what its CLI gets."""

    cwd: str
    home: str
    env: Mapping[str, str]
