"""Agents: declared sessions of an agent CLI, their conversations and their rows in the registry.

`cases` gathers what is known about each agent, `settled` says that nothing needs doing, `decide`
says what to do otherwise, `drifts` tells where the registry and the live world differ.
"""

from .case import Case, Facts, Wish, cases, settled
from .decide import decide
from .drift import drifts, unmanaged
from .rows import ended_row, reserved, started_row
from .spec import known_value, visible_env
from .status import AgentStatus, statuses

__all__ = [
    "AgentStatus",
    "Case",
    "Facts",
    "Wish",
    "cases",
    "decide",
    "drifts",
    "ended_row",
    "known_value",
    "reserved",
    "settled",
    "started_row",
    "statuses",
    "unmanaged",
    "visible_env",
]
