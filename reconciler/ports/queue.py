"""The interface of a queue of jobs for other hosts, without any library.

A job is submitted to one host or to a pool, and claimed there. Each claim ends with `finish` or `dead_letter`. If its
host dies first, the job is claimed again: by the same host, or in a pool by another one. `begin` makes sure that
nevertheless at most one host ever types its prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from reconciler.model.destination import Destination

from .bus import Bus, Message


class QueuedJob(Struct, frozen=True):
    """A job on its way. `envelope` has everything that the other host needs, also the token of the job."""

    id: str
    to: Destination
    envelope: bytes


class Claim(Struct, frozen=True):
    """A job that this host has taken."""

    id: str
    """The id of the job in the address of the message; the envelope may be broken."""
    to: Destination
    envelope: bytes
    tries: int = 1
    """How often it was claimed, with this time; 1 where the backend does not count."""
    receipt: object = None
    """What the backend itself needs to know. None if it was lost with the runner that had it: such a claim cannot be
    kept, but it can be ended."""


class DeadLetter(Struct, frozen=True):
    """A job that nobody will do, and why."""

    id: str
    to: Destination
    envelope: bytes
    why: str
    host: str
    """The host that gave it up."""
    at: str
    """When, UTC, ISO 8601."""


class JobQueue(Protocol):
    """A live connection to one backend.

    All methods raise BusUnreachable when no answer comes in time, which leaves open whether the request was carried
    out, and BusRefused when it is denied. Each may be called again with the same arguments after that: what was done
    is then not done twice.
    """

    @property
    def bus(self) -> Bus:
        """The same connection for the events of the jobs and for wishes to cancel them."""

    def submit(self, job: QueuedJob) -> None:
        """Queue a job. It is stored on return. The same id again changes nothing.

        Raises UsageError if this backend has no pools and the job is for one.
        """

    def withdraw(self, job_id: str, to: Destination) -> None:
        """Take a job back that nobody has claimed; one that is claimed, or gone, stays as it is."""

    def claim(self, seconds: float, pools: Sequence[str] = ()) -> Claim | None:
        """The next job for this host or for one of the pools; None if there is none within `seconds`.

        A job that this connection holds is not returned again.
        """

    def begin(self, claim: Claim) -> bool:
        """Whether this host may type the prompt: from then on, no other host ever may. True again for the same host."""

    def heartbeat(self, claim: Claim) -> None:
        """Keep a claim whose job is recorded on this host. Without one for 30 s, the job may be claimed again."""

    def finish(self, claim: Claim, result: Message) -> None:
        """Publish the last event of a job, for those who follow it later, too, and then take the job off the queue."""

    def dead_letter(self, claim: Claim, why: str) -> None:
        """Keep a job as a dead letter, and then take it off the queue."""

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """All dead letters, the oldest first."""

    def drop(self, letter: DeadLetter) -> None:
        """Delete a dead letter; one that is gone is fine."""

    def close(self) -> None:
        """Give the connection back; what is claimed stays claimed until its time is over. Closing twice is fine."""
