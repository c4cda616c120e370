"""The kinds of events that an agent publishes about its job."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What an agent can report about its job. The last two end the job."""

    STARTED = "started"
    PROGRESS = "progress"
    PERMISSION_REQUIRED = "permission_required"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def ends_the_job(self) -> bool:
        """Whether it is the last event of a job. The broker retains this event for clients that connect later."""
        return self in {EventKind.COMPLETED, EventKind.ERROR}
