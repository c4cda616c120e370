"""Walk a plan: do what its steps say, see that it came true, and tell each thing that happened.

Nothing is decided here. Every step is atomic and can be repeated, so there is no journal: after a
crash, look again and plan again.
"""

from .run import ApplyTimeouts, Run
from .walk import apply

__all__ = ["ApplyTimeouts", "Run", "apply"]
