"""Events of jobs over the stream JOBS_STATUS of a NATS server, and topics as subjects.

Unlike a broker, it stores every message: who subscribes later gets all of them.
"""

from __future__ import annotations

import os
import re
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from reconciler.model.job_server import JobServer

from .bus import LARGEST_PAYLOAD, BusRefused, Cause, Message
from .nats_server import open_link
from .nats_streams import EVENTS, STATUS

if TYPE_CHECKING:
    from .nats_link import NatsLink
    from .nats_words import Stored

_LEVEL = r"[^\s\x00-\x1f\x7f/.*>+#]+"
_TOPIC = re.compile(rf"{_LEVEL}(/{_LEVEL})*")
_FILTER = re.compile(rf"(\+|{_LEVEL})(/(\+|{_LEVEL}))*")


def nats_bus(server: JobServer, patience: float) -> NatsBus:
    """A bus with a connection of its own. Raises what `open_link` raises."""
    return NatsBus(open_link(server, patience))


class NatsBus:
    """A `Bus` over a link. Closing it closes the link."""

    def __init__(self, link: NatsLink) -> None:
        self._link = link
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        link.connection.when_ended(lambda: self._inbox.put(None))

    @property
    def tells_denials(self) -> bool:
        """A NATS server always does."""
        return True

    @property
    def connected(self) -> bool:
        """Whether the connection is up now. A lost connection is restored automatically."""
        return self._link.connection.connected

    @property
    def drops(self) -> int:
        """How often the connection has been lost."""
        return self._link.connection.drops

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Store a message. An empty retained message deletes all stored ones of `topic`."""
        if retain and not payload:
            self._link.api(f"STREAM.PURGE.{STATUS}", {"filter": subject_of(topic)})
            return
        self.store(topic, payload, key=os.urandom(12).hex())

    def store(self, topic: str, payload: bytes, *, key: str) -> None:
        """Store a message, if none with this key is stored."""
        if len(payload) > LARGEST_PAYLOAD:
            raise too_large(payload, topic)
        self._link.publish(subject_of(topic), payload, key=key)

    def subscribe(self, topic_filter: str) -> None:
        """Receive all matching messages that are stored, then the new ones, each once; also after a reconnect."""
        if not _FILTER.fullmatch(topic_filter):
            raise _not_a_subject(topic_filter)
        self._link.follow(STATUS, _subject(topic_filter.replace("+", "*")), self._take)

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None if none comes within `seconds`."""
        try:
            message = self._inbox.get(timeout=0 if self._link.connection.has_ended else max(seconds, 0))
        except Empty:
            message = None
        if message is None:
            self._link.connection.check()
        return message

    def close(self) -> None:
        """Disconnect. Closing twice is fine."""
        self._link.close()

    def _take(self, message: Stored, was_there: bool) -> None:
        topic = message.subject.removeprefix(f"{EVENTS}.").replace(".", "/")
        self._inbox.put(Message(topic, message.payload, was_there))


def subject_of(topic: str) -> str:
    """The subject of the stream in which the messages of a topic are. Raises BusRefused if it has no subject."""
    if not _TOPIC.fullmatch(topic):
        raise _not_a_subject(topic)
    return _subject(topic)


def too_large(payload: bytes, what: str) -> BusRefused:
    """The error for a payload above the cap, which every backend has."""
    summary = f"too large: {len(payload)} bytes for {what}, where {LARGEST_PAYLOAD} are allowed"
    return BusRefused(Cause.TOO_LARGE, summary, fix="send a smaller message")


def _subject(topic: str) -> str:
    return f"{EVENTS}.{topic.replace('/', '.')}"


def _not_a_subject(topic: str) -> BusRefused:
    fix = "use names without spaces and without any of . * > + # between the slashes"
    return BusRefused(Cause.NOT_AUTHORISED, f"{topic!r} cannot be a topic on a NATS server", fix=fix)
