"""The agent that a profile is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """The agent whose traces are looked for. `cwd` is a real path; `env` is what the agent sees."""

    cwd: str
    home: str
    env: Mapping[str, str]
