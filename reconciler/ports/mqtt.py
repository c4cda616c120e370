"""MQTT through the paho library: MQTT 5 if the broker has it, else 3.1.1. Every answer is checked.

Only this module uses MQTT. A thread of paho reads and writes the network; messages wait in a queue until `receive`
takes them.
"""

from __future__ import annotations

from collections.abc import Callable
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
_SESSION_SECONDS = 300  # the broker stores messages for a follower that is disconnected for this long
_LARGEST_PACKET = 268_435_460  # MQTT 5.0, section 2.1.4
_OVERHEAD = 16  # bytes of a PUBLISH packet besides topic and payload
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
_CAUSES_AT_LOGIN = _CAUSES | {135: Cause.BAD_LOGIN}  # Mosquitto reports a wrong password with this code
_WORDS: dict[Cause, tuple[str, str]] = {
    Cause.VERSION: ("the broker supports neither MQTT 5 nor 3.1.1", "use another broker"),
    Cause.BAD_LOGIN: ("the broker refuses the login of {who}", "correct the user name or the password"),
    Cause.NOT_AUTHORISED: (
        "the broker does not allow {who} to do this: {what}",
        "grant it in the broker's ACL, or use another user",
    ),
    Cause.TAKEN_OVER: (
        "another client took over the session of {who}",
        "make sure that no two clients have the same id",
    ),
    Cause.TOO_LARGE: (
        "too large for the broker: {what}",
        "send a smaller message, or raise `limits.packet_size` of the broker",
    ),
    Cause.QUOTA: ("a quota of the broker is used up: {what}", "raise the broker's limits, or send less"),
    Cause.NO_RETAIN: ("the broker does not retain messages", "set `retain_available true` in its configuration"),
    Cause.CLOSED: (
        "the broker closes the connection of {who} after this: {what}",
        "it may be denied: grant it in the broker's ACL, or use another user",
    ),
    Cause.OTHER: ("the broker refused: {what}", "read the broker's log"),
}


class _NoWelcome(BusUnreachable):
    """The broker accepted the connection, but then closed it or did not answer the login."""


def connect(connection: Connection, *, will: Will | None = None, patience: float = 10.0) -> MqttBus:
    """Connect to the broker. Every later answer must come within `patience` seconds.

    It tries MQTT 5, then 3.1.1. Some brokers that know only 3.1.1 do not say so: they close the connection, or do not
    answer.

    Raises:
        BusUnreachable: No trustworthy connection could be made; `cause` names the TLS error.
        BusRefused: The broker refuses the login.
        ReconcilerError: A certificate file cannot be used.
    """
    try:
        return _opened(connection, will, patience, mqtt5=True)
    except BusRefused as error:
        if error.cause is not Cause.VERSION:
            raise
        return _opened(connection, will, patience, mqtt5=False)
    except _NoWelcome as error:
        try:
            return _opened(connection, will, patience, mqtt5=False)
        except _NoWelcome:
            raise error from None


class MqttBus:
    """A `Bus` over one paho client. `connect` makes it; paho reconnects by itself."""

    def __init__(
        self, client: Client, connection: Connection, patience: float, session_expiry: Callable[[str, int], Properties]
    ) -> None:
        self._client = client
        self._session_expiry = session_expiry
        self._connection = connection
        self._patience = patience
        self._filters: list[str] = []
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._changed = Condition()
        self._answers: dict[int, int] = {}
        self._unasked: set[int] = set()
        self._ended_by: tuple[Cause, int] | None = None  # with the reason code; set when a reconnect would not help
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
        """Whether the broker reports that it denies a message. Only MQTT 5 does."""
        return self._client.protocol == 5

    @property
    def connected(self) -> bool:
        """Whether the connection is up now. A lost connection is restored automatically."""
        return self._up

    @property
    def drops(self) -> int:
        """How often the connection has been lost."""
        return self._drops

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish a message and check the broker's answer."""
        largest = min(LARGEST_PAYLOAD, self._packet_size - len(topic.encode()) - _OVERHEAD)
        if len(payload) > largest:
            raise self._refusal(
                Cause.TOO_LARGE, _TOO_LARGE, f"{len(payload)} bytes for {topic}, where {largest} are allowed"
            )
        before = self._drops  # read first: a broker may close the connection before `publish` returns
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        self._check(sent.mid, before, f"publish to {topic}")

    def subscribe(self, topic_filter: str) -> None:
        """Receive matching messages from now on, also after a reconnect."""
        before = self._drops
        _result, mid = self._client.subscribe(topic_filter, qos=1)
        if mid is None:
            raise unreachable(self._connection, Cause.NO_ANSWER)
        self._check(mid, before, f"subscribe to {topic_filter}")
        if topic_filter not in self._filters:
            self._filters.append(topic_filter)

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None if none comes within `seconds`."""
        try:
            message = self._inbox.get(timeout=0 if self._ended_by else max(seconds, 0))
        except Empty:
            message = None
        if message is None and self._ended_by:
            raise self._refusal(*self._ended_by, "the connection")
        return message

    def close(self) -> None:
        """End the connection and its thread. It takes some seconds at most if the broker does not answer."""
        self._client.disconnect(properties=self._session_expiry("DISCONNECT", 0) if self.tells_denials else None)
        self._client.loop_stop()
        self._client._reset_sockets()  # noqa: SLF001 - paho itself does not close these two sockets

    def open(self) -> None:
        """Connect for the first time. A failure raises at once; only later reconnects are retried."""
        try:
            self._client.connect(
                self._connection.host,
                self._connection.port,
                keepalive=_KEEPALIVE,
                properties=self._session_expiry("CONNECT", _SESSION_SECONDS) if self.tells_denials else None,
            )
        except OSError as error:
            raise failure(self._connection, error) from error
        self._await_welcome()
        self._client.loop_start()

    def _await_welcome(self) -> None:
        deadline = monotonic() + self._patience
        while not (self._up or self._ended_by or self._drops):
            # not `Client.loop`: before `loop_start`, it would leave two sockets open
            if not select([cast(socket, self._client.socket())], [], [], max(deadline - monotonic(), 0))[0]:
                raise self._no_welcome(Cause.NO_ANSWER, "it accepted the connection, but did not answer")
            self._client.loop_read()
        if self._ended_by:
            raise self._refusal(*self._ended_by, "connect")
        if self._drops:
            raise self._no_welcome(Cause.CLIENT_CERTIFICATE if self._connection.tls else Cause.CLOSED)

    def _no_welcome(self, cause: Cause, detail: str = "") -> _NoWelcome:
        error = unreachable(self._connection, cause, detail)
        return _NoWelcome(cause, error.summary, detail=error.detail, fix=error.fix)

    def _check(self, mid: int, drops_before: int, what: str) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: mid in self._answers or self._ended_by or self._is_thrown_out(drops_before), self._patience
            )
            code = self._answers.pop(mid, None)
        if code is None and self._is_thrown_out(drops_before):
            self._end(Cause.CLOSED, 0)
        if code is None and self._ended_by:
            raise self._refusal(*self._ended_by, what)
        if code is None:
            raise unreachable(self._connection, Cause.NO_ANSWER, what)
        if code >= _FAILURE:
            raise self._refusal(_CAUSES.get(code, Cause.OTHER), code, what)

    def _is_thrown_out(self, drops_before: int) -> bool:
        """Whether the broker closed the connection after one message, and again after it was resent.

        Some brokers deny a message this way in MQTT 3.1.1, which has no code for it.
        """
        return not self.tells_denials and self._drops >= drops_before + 2

    def _answered(self, mid: int, code: int) -> None:
        with self._changed:
            self._answers[mid] = code
            self._changed.notify_all()

    def _end(self, cause: Cause, code: int) -> None:
        """Stop for good, because a reconnect would not help, and wake all waiting callers."""
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


def _opened(connection: Connection, will: Will | None, patience: float, *, mqtt5: bool) -> MqttBus:
    from .mqtt_client import new_client, session_expiry  # noqa: PLC0415 - paho takes 60 ms to load

    client = new_client(connection, will, mqtt5=mqtt5)
    client.connect_timeout = patience
    bus = MqttBus(client, connection, patience, session_expiry)
    try:
        bus.open()
    except BaseException:
        bus.close()
        raise
    return bus
