"""The agent that a profile is asked about."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class AgentEnvironment(Struct, frozen=True):
    """The agent whose traces are looked for. `cwd` is a real path; `env` is what the agent sees."""

    cwd: str
    home: str
    env: Mapping[str, str]
