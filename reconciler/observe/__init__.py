"""Take the snapshot: ask tmux once, and read the disk only where a decision needs it.

Nothing is opened for writing. Whatever cannot be read is `Unknown`, with the reason.
"""

from .agent_view import HOOK_NOTES, Caller
from .request import SnapshotRequest
from .snapshot import observe, observe_cases, recorded_as_live

__all__ = ["HOOK_NOTES", "Caller", "SnapshotRequest", "observe", "observe_cases", "recorded_as_live"]
