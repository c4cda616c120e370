"""Jobs for other hosts on a NATS server with JetStream.

A job is a message of the work queue JOBS. Each queue, of a host or a pool, has one durable consumer, so each job is
given to one client at a time, and again to any of them when it is neither ended nor kept for `ack_wait` seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from time import monotonic

import msgspec

from reconciler.model.address import HOST_PREFIX
from reconciler.model.destination import Destination, host_name, pool_name
from reconciler.model.errors import UsageError
from reconciler.model.job_server import JobServer
from reconciler.model.moment import to_millisecond

from .bus import LARGEST_PAYLOAD, Bus, BusRefused, BusUnreachable, Message
from .clock import RealClock
from .nats_bus import NatsBus, too_large
from .nats_server import open_link
from .nats_streams import BEGUN, DEAD, JOBS, LETTERS, QUEUED, STATUS, STATUS_DAYS, set_consumer
from .nats_words import NO_CONSUMER, NOT_FOUND, Pulled, Stored
from .queue import Claim, DeadLetter, QueuedJob

_DELIVERIES = 3
_KEEP = b"+WPI"
_LONGEST_WAIT = timedelta(days=STATUS_DAYS - 1)  # a mark of `begin` is deleted some time after this
_TURN, _LONG_TURN = 0.5, 30.0  # seconds for which one queue is waited on: with others, and alone
_ID = re.compile(r"[A-Za-z0-9_:@-]{1,101}")


class NatsQueue:
    """A `JobQueue` of the host `host`, for any number of threads. Opening it raises what `open_link` raises."""

    def __init__(self, server: JobServer, host: str, *, patience: float, ack_wait: float = 30.0) -> None:
        self._host = host_name(host)
        self._ack_wait = ack_wait
        self._clock = RealClock()
        self._consumers: set[str] = set()
        self._held: set[str] = set()
        self._turns = count()
        self._link = open_link(server, patience)
        self._bus = NatsBus(self._link)

    @property
    def bus(self) -> Bus:
        """The same connection for the events of the jobs and for wishes to cancel them."""
        return self._bus

    def submit(self, job: QueuedJob) -> None:
        """Queue a job. It is stored on return. The same id again changes nothing."""
        subject = f"{QUEUED}.{_queue_of(job.to)}.{_as_id(job.id)}"
        if len(job.envelope) > LARGEST_PAYLOAD:
            raise too_large(job.envelope, f"the job {job.id}")
        # a server that was restarted has forgotten the ids of jobs that are done
        if self._link.last(STATUS, f"{BEGUN}.{job.id}") or self._link.last(DEAD, f"{LETTERS}.{job.id}"):
            return
        self._link.publish(subject, job.envelope, key=job.id, first=True)

    def withdraw(self, job_id: str, to: Destination) -> None:
        """Take a job back that was never given to a client; one that was, or is gone, stays as it is.

        If it is claimed at this very moment, the claim holds: it can be begun and ended, but if its host dies, no other
        one gets it.
        """
        queue = _queue_of(to)
        message = self._link.last(JOBS, f"{QUEUED}.{queue}.{_as_id(job_id)}")
        if message is None:
            return
        delivered = self._link.api(f"CONSUMER.INFO.{JOBS}.{queue}", allowed=(NO_CONSUMER,)).delivered.stream_seq
        if message.seq > delivered:
            self._link.api(f"STREAM.MSG.DELETE.{JOBS}", {"seq": message.seq}, allowed=(NOT_FOUND,))

    def claim(self, seconds: float, pools: Sequence[str] = ()) -> Claim | None:
        """The next job for this host or for one of the pools; None if there is none within `seconds`."""
        queues = (Destination(host=self._host), *(Destination(pool=pool_name(pool)) for pool in pools))
        deadline = monotonic() + seconds
        while True:
            for to in queues:
                if claim := self._next(to, 0):
                    return claim
            left = deadline - monotonic()
            if left <= 0:
                return None
            turn = queues[next(self._turns) % len(queues)]
            if claim := self._next(turn, min(left, _TURN if pools else _LONG_TURN)):
                return claim

    def begin(self, claim: Claim) -> bool:
        """Whether this host may type the prompt: the first message of the subject says who may."""
        subject = f"{BEGUN}.{claim.id}"
        if self._link.publish(subject, self._host.encode(), first=True):
            return True
        mark = self._link.last(STATUS, subject)
        return mark is not None and mark.payload == self._host.encode()

    def heartbeat(self, claim: Claim) -> None:
        """Keep a claim for `ack_wait` more seconds."""
        self._settle(claim, _KEEP)

    def finish(self, claim: Claim, result: Message) -> None:
        """Store the last event of a job, and then take the job off the queue. The first result counts."""
        self._bus.store(result.topic, result.payload, key=f"{claim.id}:result")
        self._settle(claim, b"+ACK")
        self._held.discard(claim.id)

    def dead_letter(self, claim: Claim, why: str) -> None:
        """Keep a job as a dead letter, and then take it off the queue."""
        at = to_millisecond(self._clock.now())
        letter = DeadLetter(claim.id, claim.to, claim.envelope, why, self._host, at)
        self._link.publish(f"{LETTERS}.{claim.id}", msgspec.json.encode(letter), key=claim.id)
        self._settle(claim, b"+TERM")
        self._held.discard(claim.id)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """All dead letters, the oldest first."""
        letters, seq = [], 0
        while message := self._link.after(DEAD, f"{LETTERS}.*", seq):
            letters.append(_letter(message))
            seq = message.seq
        return tuple(letters)

    def drop(self, letter: DeadLetter) -> None:
        """Delete a dead letter; one that is gone is fine."""
        self._link.api(f"STREAM.PURGE.{DEAD}", {"filter": f"{LETTERS}.{_as_id(letter.id)}"})

    def close(self) -> None:
        """Give the connection back; what is claimed stays claimed until its time is over. Closing twice is fine."""
        self._link.close()

    def _next(self, to: Destination, seconds: float) -> Claim | None:
        """The next job of one queue that this connection does not hold and that may still be done."""
        deadline = monotonic() + seconds
        while pulled := self._pulled(to.queue, deadline - monotonic()):
            claim = Claim(pulled.subject.rpartition(".")[2], to, pulled.payload, pulled.tries, pulled.receipt)
            if claim.id in self._held:
                self.heartbeat(claim)
            elif why := self._is_over(pulled):
                self.dead_letter(claim, why)
            else:
                self._held.add(claim.id)
                return claim
        return None

    def _pulled(self, queue: str, seconds: float) -> Pulled | None:
        if queue not in self._consumers:
            set_consumer(self._link, queue, self._ack_wait)
            self._consumers.add(queue)
        try:
            return self._link.pull(JOBS, queue, seconds)
        except (LookupError, BusUnreachable) as error:
            self._consumers.discard(queue)  # an older server does not answer at all when the consumer was deleted
            if isinstance(error, BusUnreachable):
                raise
            return None

    def _is_over(self, pulled: Pulled) -> str:
        """Why nobody may do the job any more; empty if somebody may."""
        if pulled.tries > _DELIVERIES:
            return f"delivered {_DELIVERIES} times without an end"
        if self._clock.now() - pulled.queued_at > _LONGEST_WAIT:
            return f"queued for more than {_LONGEST_WAIT.days} days"
        return ""

    def _settle(self, claim: Claim, word: bytes) -> None:
        """Answer the message of a claim. One that cannot be answered any more is deleted, unless it is to be kept."""
        if not self._is_answered(claim, word) and word != _KEEP:
            self._delete(claim)

    def _is_answered(self, claim: Claim, word: bytes) -> bool:
        """Whether the server has read the answer, or no longer has the message.

        A server stays silent about a message that is gone, and about one of which it forgot, when it was killed, that
        it was delivered.
        """
        if claim.receipt is None:
            return False
        try:
            self._link.settle(str(claim.receipt), word)
        except BusUnreachable:
            return self._link.last(JOBS, f"{QUEUED}.{claim.to.queue}.{claim.id}") is None
        return True

    def _delete(self, claim: Claim) -> None:
        """Take the job of a claim off whose message cannot be answered any more."""
        subject = f"{QUEUED}.{claim.to.queue}.{claim.id}"
        if message := self._link.last(JOBS, subject):
            try:
                self._link.api(f"STREAM.MSG.DELETE.{JOBS}", {"seq": message.seq}, allowed=(NOT_FOUND,))
            except BusRefused:
                if self._link.last(JOBS, subject) is not None:  # else the server took a late answer meanwhile
                    raise


def _queue_of(to: Destination) -> str:
    return f"{HOST_PREFIX}{host_name(to.host)}" if to.host else pool_name(to.pool)


def _as_id(job_id: str) -> str:
    """The id, if it can be a part of a subject. Raises UsageError."""
    if not _ID.fullmatch(job_id):
        raise UsageError(f"{job_id!r} cannot be the id of a job on other hosts", fix="use letters, digits, - and _")
    return job_id


def _letter(message: Stored) -> DeadLetter:
    """The dead letter in a message; what cannot be read can still be seen and dropped."""
    try:
        return msgspec.json.decode(message.payload, type=DeadLetter)
    except (msgspec.DecodeError, UnicodeDecodeError):
        job_id = message.subject.rpartition(".")[2]
        return DeadLetter(job_id, Destination(), message.payload, "this dead letter cannot be read", "", "")
