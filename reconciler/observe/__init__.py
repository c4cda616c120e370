"""Look at the world once: tmux with one question, the disk only where a decision needs it.

Nothing is opened for writing. What cannot be looked at is `Unknown`, and says why.
"""

from .agent_view import HOOK_NOTES, Caller
from .request import SnapshotRequest
from .snapshot import observe, recorded_as_live

__all__ = ["HOOK_NOTES", "Caller", "SnapshotRequest", "observe", "recorded_as_live"]
