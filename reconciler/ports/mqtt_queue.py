"""The queue of jobs for other hosts, as retained messages of an MQTT broker. MQTT 3.1.1 is enough.

Each job waits in a box: a retained message on a topic of its host. An empty message empties the box. One host alone
reads its boxes, so `claim` needs no arbiter. Once the job is recorded there, the box is emptied.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from time import monotonic

import msgspec
from msgspec import Struct

from reconciler.model.broker import Connection
from reconciler.model.destination import Destination, host_name
from reconciler.model.errors import UsageError
from reconciler.model.host_topics import ANY, box, dead
from reconciler.model.job import JOB_ID
from reconciler.model.moment import to_millisecond

from .bus import Bus, BusRefused, BusUnreachable, Cause, Message
from .clock import RealClock
from .mqtt import MqttBus, connect
from .queue import Claim, DeadLetter, QueuedJob

_WITHOUT_ENVELOPE = "; its envelope was too large to keep"
_LONGEST_WHY = 1000


class MqttQueue:
    """A `JobQueue` over one connection, for one thread.

    A job that is submitted again after it was taken is claimed again: the record on the host answers for it. A broker
    that speaks only MQTT 3.1.1 does not say that it denies a request.
    """

    def __init__(self, connection: Connection, prefix: str, host: str, *, patience: float) -> None:
        self._connection = connection
        self._prefix = prefix
        self._host = host
        self._patience = patience
        self._boxes = _OwnBoxes()
        self._letters: dict[str, bytes] = {}
        self._others: deque[Message] = deque()
        self._looked_at: int | None = None  # the drops of the connection when the boxes were looked at
        self._look_again = False
        self._mqtt = connect(connection, patience=patience)

    @property
    def bus(self) -> Bus:
        """The same connection for all topics but those of the queue. Closing it closes the queue."""
        return _OtherTopics(self, self._mqtt)

    def submit(self, job: QueuedJob) -> None:
        """Fill the box of the job. Raises UsageError for a pool."""
        self._mqtt.publish(self._box(job.to, job.id), job.envelope, retain=True)

    def withdraw(self, job_id: str, to: Destination) -> None:
        """Empty the box. A host that has claimed the job no longer needs it."""
        self._mqtt.publish(self._box(to, job_id), b"", retain=True)

    def claim(self, seconds: float, pools: Sequence[str] = ()) -> Claim | None:
        """The next job in a box of this host. Raises UsageError for pools."""
        if pools:
            raise _no_pools()
        deadline = monotonic() + seconds
        self._look_into_boxes()
        while True:
            self._take_all()
            if taken := self._boxes.take():
                return Claim(taken[0], Destination(host=self._host), taken[1])
            left = deadline - monotonic()
            if left <= 0:
                # a broker drops messages when too many wait for one client, but it keeps the boxes
                self._look_again = self._boxes.forget_seen()
                return None
            self._take_one(left)

    def begin(self, claim: Claim) -> bool:  # noqa: ARG002 - nobody else has the box, whatever the claim
        """True: no other host gets the box, and the record on this one says whether the prompt was typed."""
        return True

    def heartbeat(self, claim: Claim) -> None:
        """Empty the box, since the record on this host keeps the job from now on."""
        self._empty_box(claim.id)

    def finish(self, claim: Claim, result: Message) -> None:
        """Publish the result as a retained message, then empty the box if it is still full."""
        self._mqtt.publish(result.topic, result.payload, retain=True)
        self._empty_box(claim.id)
        self._boxes.release(claim.id)

    def dead_letter(self, claim: Claim, why: str) -> None:
        """Keep the job as a retained message of this host, then empty the box if it is still full.

        An envelope that does not fit beside the reason is not kept, and the reason says so.
        """
        topic, at = dead(self._prefix, self._host, claim.id), to_millisecond(RealClock().now())
        head = _LetterHead(_encodable(why[:_LONGEST_WHY]), self._host, at)
        try:
            self._mqtt.publish(topic, _written(head, claim.envelope), retain=True)
        except BusRefused as error:
            if error.cause is not Cause.TOO_LARGE:
                raise
            head = _LetterHead(head.why + _WITHOUT_ENVELOPE, self._host, at)
            self._mqtt.publish(topic, _written(head, b""), retain=True)
        self._empty_box(claim.id)
        self._boxes.release(claim.id)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """All dead letters of all hosts, the oldest first; what is not a dead letter there is left out.

        The user must be allowed to read and write them: a message of its own tells when all have come.
        """
        deadline = monotonic() + self._patience
        while True:
            drops = self._mqtt.drops
            self._take_all()
            self._letters.clear()
            self._mqtt.subscribe(dead(self._prefix, ANY))
            self._await_own_message(deadline)
            if self._mqtt.drops == drops:
                break
        found = (_letter(topic, payload) for topic, payload in self._letters.items())
        return tuple(sorted((each for each in found if each), key=lambda each: (each.at, each.id)))

    def drop(self, letter: DeadLetter) -> None:
        """Delete the retained message of a dead letter."""
        self._mqtt.publish(dead(self._prefix, letter.host, letter.id), b"", retain=True)

    def close(self) -> None:
        """End the connection. Boxes that are not emptied are claimed again by the next connection of the host."""
        self._mqtt.close()

    def receive_other(self, seconds: float) -> Message | None:
        """The next message that is not the queue's, or None if none comes within `seconds`. Raises BusRefused."""
        deadline = monotonic() + seconds
        while not self._others:
            left = max(deadline - monotonic(), 0)
            if not self._take_one(left) and not left:
                return None
        return self._others.popleft()

    def _box(self, to: Destination, job_id: str) -> str:
        if to.pool:
            raise _no_pools()
        return box(self._prefix, to.host, job_id)

    def _empty_box(self, job_id: str) -> None:
        """Empty the own box of a job unless it is known to be empty."""
        if self._boxes.is_full(job_id):
            self._boxes.expect_emptied(job_id)
            self._mqtt.publish(box(self._prefix, self._host, job_id), b"", retain=True)
            self._boxes.keep(job_id)

    def _look_into_boxes(self) -> None:
        """Subscribe to the own boxes, and again after the connection was lost: boxes may have changed meanwhile."""
        drops = self._mqtt.drops
        is_same = self._looked_at == drops
        if (is_same and not self._look_again) or not self._mqtt.connected:
            return
        self._take_all()
        if not is_same:
            self._boxes.forget()
        self._mqtt.subscribe(box(self._prefix, self._host))
        self._looked_at, self._look_again = drops, False

    def _await_own_message(self, deadline: float) -> None:
        """Wait for a message of our own, which the broker sends after the dead letters that it has stored."""
        topic = dead(self._prefix, self._host, f"-{os.urandom(8).hex()}")
        self._mqtt.publish(topic, b"end")
        while topic not in self._letters:
            left = deadline - monotonic()
            if left <= 0:
                raise self._silence()
            self._take_one(left)

    def _silence(self) -> BusUnreachable:
        who = self._connection.username or "a client without a user name"
        return BusUnreachable(
            Cause.NO_ANSWER,
            f"the broker did not send the dead letters within {self._patience:g} s",
            detail=f"either it is slow, or {who} may not read them",
            fix="log in as a user with the role reconciler",
        )

    def _take_all(self) -> None:
        while self._take_one(0):
            pass

    def _take_one(self, seconds: float) -> bool:
        """Wait for a message and put it where it belongs; False if none came."""
        message = self._mqtt.receive(seconds)
        if message is None:
            return False
        self._sort(message)
        return True

    def _sort(self, message: Message) -> None:
        parts = _parts(self._prefix, message.topic)
        if parts is None:
            self._others.append(message)
        elif parts.kind == "dead":
            self._letters[message.topic] = message.payload
        elif parts.host == self._host and JOB_ID.fullmatch(parts.job_id):
            self._boxes.change(parts.job_id, message.payload)


class _OtherTopics:
    """A `Bus` over the connection of a queue, for all topics but those of the queue."""

    def __init__(self, queue: MqttQueue, mqtt: MqttBus) -> None:
        self._queue = queue
        self._mqtt = mqtt

    @property
    def tells_denials(self) -> bool:
        """Whether the broker reports that it denies a message."""
        return self._mqtt.tells_denials

    @property
    def connected(self) -> bool:
        """Whether the connection is up now."""
        return self._mqtt.connected

    @property
    def drops(self) -> int:
        """How often the connection has been lost."""
        return self._mqtt.drops

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish a message and check the broker's answer."""
        self._mqtt.publish(topic, payload, retain=retain)

    def subscribe(self, topic_filter: str) -> None:
        """Receive matching messages from now on."""
        self._mqtt.subscribe(topic_filter)

    def receive(self, seconds: float) -> Message | None:
        """The next message that is not the queue's, or None if none comes within `seconds`."""
        return self._queue.receive_other(seconds)

    def close(self) -> None:
        """Close the queue."""
        self._queue.close()


class _OwnBoxes:
    """What is known of the boxes of this host. Messages that were sent before an emptying may come after it."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}
        self._held: dict[str, bool] = {}  # the claims of this connection, and whether the box is full
        self._emptied: set[str] = set()  # emptied by us, but the broker has not sent the empty message yet
        self._seen = False

    def change(self, job_id: str, envelope: bytes) -> None:
        """A box was filled, or emptied."""
        self._seen = True
        if not envelope:
            self._emptied.discard(job_id)
            self._waiting.pop(job_id, None)
        elif job_id in self._emptied:
            return
        elif job_id in self._held:
            self._held[job_id] = True
        else:
            self._waiting[job_id] = envelope

    def take(self) -> tuple[str, bytes] | None:
        """Hold the job that waits longest."""
        job_id = next(iter(self._waiting), None)
        if job_id is None:
            return None
        self._held[job_id] = True
        return job_id, self._waiting.pop(job_id)

    def is_full(self, job_id: str) -> bool:
        """Whether the box of a job may be full: this is not known of a job that another connection claimed."""
        return self._held.get(job_id, True)

    def expect_emptied(self, job_id: str) -> None:
        """Believe no message about a full box from now on, until one says that it is empty."""
        self._waiting.pop(job_id, None)
        self._emptied.add(job_id)

    def keep(self, job_id: str) -> None:
        """Hold a job whose box is empty."""
        self._held[job_id] = False

    def release(self, job_id: str) -> None:
        """Hold the job no longer."""
        self._held.pop(job_id, None)

    def forget(self) -> None:
        """Forget what was only told; what is held stays."""
        self._waiting.clear()
        self._emptied.clear()

    def forget_seen(self) -> bool:
        """Whether a message about a box has come since the last call."""
        seen, self._seen = self._seen, False
        return seen


class _TopicParts(Struct, frozen=True):
    """What a topic of the queue is about."""

    host: str
    kind: str
    job_id: str


class _LetterHead(Struct, frozen=True):
    """The first line of a dead letter, as JSON; the envelope follows it byte for byte."""

    why: str
    host: str
    at: str


def _parts(prefix: str, topic: str) -> _TopicParts | None:
    """Which box or dead letter the topic is; None for any other topic."""
    start = f"{prefix}/hosts/"
    levels = topic.removeprefix(start).split("/") if topic.startswith(start) else []
    if len(levels) != 3 or levels[1] not in {"jobs", "dead"}:
        return None
    return _TopicParts(*levels)


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _written(head: _LetterHead, envelope: bytes) -> bytes:
    return msgspec.json.encode(head) + b"\n" + envelope


def _letter(topic: str, payload: bytes) -> DeadLetter | None:
    """The dead letter in a message; None if it is not one."""
    host, _, job_id = topic.split("/")[-3:]
    line, _, envelope = payload.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=_LetterHead)
        host_name(host)
    except (msgspec.DecodeError, RecursionError, UsageError):
        return None
    if head.host != host or not JOB_ID.fullmatch(job_id):
        return None
    return DeadLetter(job_id, Destination(host=host), envelope, head.why, host, head.at)


def _no_pools() -> UsageError:
    return UsageError("a pool needs jobs.backend: nats", fix="name a host instead, or set up a NATS server")
