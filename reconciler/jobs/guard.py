"""Watch over a job that another host began and that was queued again: its prompt is not typed a second time.

Either the other host, or its next runner, tells how the job ends; or it stays silent, and the job is a dead letter.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.event_kind import EventKind
from reconciler.model.job import Job, JobEvent
from reconciler.model.moment import to_millisecond
from reconciler.ports.bus import Message
from reconciler.ports.queue import Claim

from .sign import SeenEvents, sign, verify_hmac

WHY_SILENT = "uncertain: another host began it, and has been silent since"


@dataclass(slots=True)
class Guard:
    """A claim that is only kept. `deadline` is a time of the monotonic clock."""

    claim: Claim
    job: Job
    deadline: float
    next_heartbeat: float = 0.0
    seen: SeenEvents = field(default_factory=lambda: SeenEvents({}))

    def hear(self, message: Message, now: datetime, monotonic: float) -> bool:
        """Take note of a message; whether it ends the job. Any genuine event of the job is a sign of life."""
        event = verify_hmac(message, self.job, self.seen, now)
        if not isinstance(event, JobEvent):
            return False
        self.seen.add(event)
        self.deadline = monotonic + self.job.idle_timeout
        return event.event.ends_the_job


def silent_event(job: Job, now: datetime) -> Message:
    """The event that ends a job of which no host says anything any more."""
    publisher, event_id = os.urandom(8).hex(), os.urandom(16).hex()
    event = JobEvent(job.id, EventKind.ERROR, WHY_SILENT, to_millisecond(now), publisher, seq=1, id=event_id)
    return Message(job.topic, sign(event, job.auth_token), retained=True)
