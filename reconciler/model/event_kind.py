"""The kinds of events about a job."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What is reported about a job, by its agent or by the host that has it. The last two end the job."""

    CLAIMED = "claimed"  # by the host that took the job: the detail is its name
    STARTED = "started"
    PROGRESS = "progress"
    PERMISSION_REQUIRED = "permission_required"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def is_of_agents(self) -> bool:
        """Whether an agent reports it, and not the host that has the job."""
        return self is not EventKind.CLAIMED

    @property
    def ends_the_job(self) -> bool:
        """Whether it is the last event of a job. The broker retains this event for clients that connect later."""
        return self in {EventKind.COMPLETED, EventKind.ERROR}
