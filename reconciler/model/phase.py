"""The phases of an apply. This one table decides the order of a plan and the order of the work.

Each step names its phase (`phase` in `model/step.py`). A step without a phase is done with the other steps of its
action. A plan lists an action once, under the first of its phases. `waves.py` groups the actions of a phase.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """The phases, in the order in which apply goes through them."""

    MAKE = "folders are made"
    END = "agents end: for good, to rest, or to start again"
    LABEL = "names, tags and registry rows change"
    BROKER = "brokers end, are made and changed"
    START = "agents start"
    REMOVE = "folders are removed"
