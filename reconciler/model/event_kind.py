"""The kinds of events that an agent publishes about its job."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What an agent can say about its job; the last two end it."""

    STARTED = "started"
    PROGRESS = "progress"
    PERMISSION_REQUIRED = "permission_required"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def ends_the_job(self) -> bool:
        """Whether it is the last word; the broker keeps such an event for those who come late."""
        return self in {EventKind.COMPLETED, EventKind.ERROR}
