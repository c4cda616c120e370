"""The phases of an apply: the one table that decides both the order of a plan and the order of the work.

Each step says in which phase it is done (`phase` in `model/step.py`); a step without one goes along with the others of
its action. An action is told once, in the first phase that it passes through: `waves.py` has the groups.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """What is done together, in this order."""

    MAKE = "folders are made"
    END = "agents end: for good, to rest, or to start again"
    LABEL = "names, tags and registry rows change"
    BROKER = "brokers end, are made and changed"
    START = "agents start"
    REMOVE = "folders are removed"
