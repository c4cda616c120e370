"""The only door to MQTT, over paho: MQTT 5 where the broker has it, else 3.1.1; every answer is checked.

A thread of paho's reads and writes the network; messages wait in a queue until `receive` takes them.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from select import select
from socket import socket
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from reconciler.model.broker import Connection

from .bus import LARGEST_PAYLOAD, BusRefused, BusUnreachable, Cause, Message, Will
from .tls import failure, unreachable

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

_KEEPALIVE = 60
_SESSION_SECONDS = 300  # the broker keeps what a follower misses while its connection is down
_LARGEST_PACKET = 268_435_460  # MQTT 5.0, section 2.1.4
_OVERHEAD = 16  # what a PUBLISH needs beside topic and payload
_FAILURE, _TOO_LARGE = 128, 149
_CAUSES = {
    132: Cause.VERSION,
    134: Cause.BAD_LOGIN,
    135: Cause.NOT_AUTHORISED,
    142: Cause.TAKEN_OVER,
    _TOO_LARGE: Cause.TOO_LARGE,
    151: Cause.QUOTA,
    154: Cause.NO_RETAIN,
}
_CAUSES_AT_LOGIN = _CAUSES | {135: Cause.BAD_LOGIN}  # Mosquitto's word for it
_WORDS: dict[Cause, tuple[str, str]] = {
    Cause.VERSION: ("the broker speaks neither MQTT 5 nor 3.1.1", "use another broker"),
    Cause.BAD_LOGIN: ("the broker does not let {who} in", "correct the user name or the password"),
    Cause.NOT_AUTHORISED: ("{who} may not do this: {what}", "grant it in the broker's ACL, or use another user"),
    Cause.TAKEN_OVER: ("another client took over the session of {who}", "see that no two clients share an id"),
    Cause.TOO_LARGE: ("too large for the broker: {what}", "send less, or raise `limits.packet_size` of the broker"),
    Cause.QUOTA: ("a quota of the broker is used up: {what}", "raise the broker's limits, or send less"),
    Cause.NO_RETAIN: ("the broker keeps no messages", "set retain_available true"),
    Cause.CLOSED: (
        "the broker closes the connection of {who} at this: {what}",
        "it may be denied: grant it in the broker's ACL, or use another user",
    ),
    Cause.OTHER: ("the broker refused: {what}", "look into the broker's log"),
}


class _NoWelcome(BusUnreachable):
    """The broker took the connection, and closed it or said nothing to a client's first words."""


def connect(connection: Connection, *, will: Will | None = None, patience: float = 10.0) -> MqttBus:
    """A live connection; each later answer of the broker is waited for `patience` seconds.

    It speaks MQTT 5, else 3.1.1: not every broker that knows only 3.1.1 says so, some close or stay silent.

    Raises:
        BusUnreachable: No trustworthy connection came about; `cause` tells TLS faults apart.
        BusRefused: The broker does not let the user in.
        ReconcilerError: A certificate file cannot be used.
    """
    try:
        return _opened(_new_client(connection, will, mqtt5=True), connection, patience)
    except BusRefused as error:
        if error.cause is not Cause.VERSION:
            raise
        return _opened(_new_client(connection, will, mqtt5=False), connection, patience)
    except _NoWelcome as error:
        try:
            return _opened(_new_client(connection, will, mqtt5=False), connection, patience)
        except _NoWelcome:
            raise error from None


class MqttBus:
    """A `Bus` over one paho client, which is connected by `connect` and comes back by itself when it is lost."""

    def __init__(self, client: Client, connection: Connection, patience: float) -> None:
        self._client = client
        self._connection = connection
        self._patience = patience
        self._filters: list[str] = []
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._changed = Condition()
        self._answers: dict[int, int] = {}
        self._unasked: set[int] = set()
        self._ended_by: tuple[Cause, int] | None = None  # with the reason code; coming back would not mend it
        self._packet_size = _LARGEST_PACKET
        self._up = False
        self._drops = 0
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe

    @property
    def tells_denials(self) -> bool:
        """Whether the broker says so when it denies a message; only MQTT 5 does."""
        return self._client.protocol == 5

    @property
    def connected(self) -> bool:
        """Whether the broker is there at this moment; a lost connection comes back by itself."""
        return self._up

    @property
    def drops(self) -> int:
        """How often the connection was lost so far."""
        return self._drops

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the broker and check its answer."""
        largest = min(LARGEST_PAYLOAD, self._packet_size - len(topic.encode()) - _OVERHEAD)
        if len(payload) > largest:
            raise self._refusal(
                Cause.TOO_LARGE, _TOO_LARGE, f"{len(payload)} bytes for {topic}, where {largest} may be sent"
            )
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        self._check(sent.mid, f"publish to {topic}")

    def subscribe(self, topic_filter: str) -> None:
        """Receive what matches the filter from now on, also after a lost connection came back."""
        _result, mid = self._client.subscribe(topic_filter, qos=1)
        if mid is None:
            raise unreachable(self._connection, Cause.NO_ANSWER)
        self._check(mid, f"subscribe to {topic_filter}")
        self._filters.append(topic_filter)

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None when there is none within `seconds`."""
        try:
            message = self._inbox.get(timeout=0 if self._ended_by else max(seconds, 0))
        except Empty:
            message = None
        if message is None and self._ended_by:
            raise self._refusal(*self._ended_by, "the connection")
        return message

    def close(self) -> None:
        """End the connection and its thread; at most some seconds when the broker is gone."""
        self._client.disconnect(properties=_session_expiry("DISCONNECT", 0) if self.tells_denials else None)
        self._client.loop_stop()
        self._client._reset_sockets()  # noqa: SLF001 - paho leaves its pair of them to the garbage collector

    def open(self) -> None:
        """Connect for the first time. What a later reconnect would retry for ever is an error here."""
        try:
            self._client.connect(
                self._connection.host,
                self._connection.port,
                keepalive=_KEEPALIVE,
                properties=_session_expiry("CONNECT", _SESSION_SECONDS) if self.tells_denials else None,
            )
        except OSError as error:
            raise failure(self._connection, error) from error
        self._await_welcome()
        self._client.loop_start()

    def _await_welcome(self) -> None:
        deadline = monotonic() + self._patience
        while not (self._up or self._ended_by or self._drops):
            # not `Client.loop`: with `loop_start` after it, it leaves two sockets open
            if not select([cast(socket, self._client.socket())], [], [], max(deadline - monotonic(), 0))[0]:
                raise self._no_welcome(Cause.NO_ANSWER, "it took the connection and said nothing")
            self._client.loop_read()
        if self._ended_by:
            raise self._refusal(*self._ended_by, "connect")
        if self._drops:
            raise self._no_welcome(Cause.CLIENT_CERTIFICATE if self._connection.tls else Cause.CLOSED)

    def _no_welcome(self, cause: Cause, detail: str = "") -> _NoWelcome:
        error = unreachable(self._connection, cause, detail)
        return _NoWelcome(cause, error.summary, detail=error.detail, fix=error.fix)

    def _check(self, mid: int, what: str) -> None:
        before = self._drops
        with self._changed:
            self._changed.wait_for(
                lambda: mid in self._answers or self._ended_by or self._is_thrown_out(before), self._patience
            )
            code = self._answers.pop(mid, None)
        if code is None and self._is_thrown_out(before):
            self._end(Cause.CLOSED, 0)
        if code is None and self._ended_by:
            raise self._refusal(*self._ended_by, what)
        if code is None:
            raise unreachable(self._connection, Cause.NO_ANSWER, what)
        if code >= _FAILURE:
            raise self._refusal(_CAUSES.get(code, Cause.OTHER), code, what)

    def _is_thrown_out(self, drops_before: int) -> bool:
        """Whether the broker closed the connection over one message, and once more when it was sent again.

        That is how some brokers deny in MQTT 3.1.1, which has no word for it.
        """
        return not self.tells_denials and self._drops >= drops_before + 2

    def _answered(self, mid: int, code: int) -> None:
        with self._changed:
            self._answers[mid] = code
            self._changed.notify_all()

    def _end(self, cause: Cause, code: int) -> None:
        """Coming back would not mend this: stop, and wake whoever waits."""
        with self._changed:
            self._ended_by = cause, code
            self._changed.notify_all()
        self._inbox.put(None)
        self._client.disconnect()

    def _refusal(self, cause: Cause, code: int, what: str) -> BusRefused:
        summary, fix = _WORDS[cause]
        who = self._connection.username or "a client without a user name"
        detail = f"MQTT reason code {code}" if code else ""
        return BusRefused(cause, summary.format(who=who, what=what), detail=detail, fix=fix)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._end(_CAUSES_AT_LOGIN.get(reason.value, Cause.OTHER), reason.value)
        else:
            self._up = True
            self._packet_size = getattr(properties, "MaximumPacketSize", _LARGEST_PACKET)
            for topic_filter in self._filters:
                _result, mid = client.subscribe(topic_filter, qos=1)
                self._unasked.update((mid,) if mid else ())

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._up = False
        with self._changed:
            self._drops += 1
            self._changed.notify_all()
        if flags.is_disconnect_packet_from_server and reason.value in _CAUSES:
            self._end(_CAUSES[reason.value], reason.value)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._inbox.put(Message(message.topic, bytes(message.payload), message.retain))

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._answered(mid, reason.value)

    def _on_subscribe(
        self, _client: Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if mid in self._unasked:
            self._unasked.discard(mid)
        else:
            self._answered(mid, max(reason.value for reason in reasons))


def _opened(client: Client, connection: Connection, patience: float) -> MqttBus:
    client.connect_timeout = patience
    bus = MqttBus(client, connection, patience)
    try:
        bus.open()
    except BaseException:
        bus.close()
        raise
    return bus


def _new_client(connection: Connection, will: Will | None, *, mqtt5: bool) -> Client:
    from .mqtt_client import new_client  # noqa: PLC0415 - paho takes 60 ms to load, and only a client needs it

    return new_client(connection, will, mqtt5=mqtt5)


def _session_expiry(packet: str, seconds: int) -> Properties:
    from .mqtt_client import session_expiry  # noqa: PLC0415 - as above

    return session_expiry(packet, seconds)
