"""The interface of a message bus and its errors, without any MQTT library.

The reason codes are those of MQTT 5.0, section 2.4. `PUBACK 16`, which means that no client subscribed, is a success.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from reconciler.model.errors import ReconcilerError, Unreachable

LARGEST_PAYLOAD = 65_536  # bytes; below the default packet size limit of our brokers


class Cause(StrEnum):
    """Why a broker could not be used. The names are stable."""

    NO_ANSWER = "no_answer"
    NO_TLS = "no_tls"
    UNTRUSTED = "untrusted"
    WRONG_NAME = "wrong_name"
    EXPIRED = "expired"
    CLIENT_CERTIFICATE = "client_certificate"
    CLOSED = "closed"
    VERSION = "version"
    BAD_LOGIN = "bad_login"
    NOT_AUTHORISED = "not_authorised"
    TAKEN_OVER = "taken_over"
    TOO_LARGE = "too_large"
    QUOTA = "quota"
    NO_RETAIN = "no_retain"
    OTHER = "other"


class BusUnreachable(Unreachable):
    """A trustworthy connection to the broker could not be made, or was lost; `cause` says why."""

    def __init__(self, cause: Cause, summary: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self.cause = cause


class BusRefused(ReconcilerError):
    """The broker refused, or the client knows that it would; `cause` says why."""

    def __init__(self, cause: Cause, summary: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self.cause = cause


class Message(Struct, frozen=True):
    """One received message. `retained` means that the broker had stored it for clients that subscribe later."""

    topic: str
    payload: bytes
    retained: bool = False


class Will(Struct, frozen=True):
    """What the broker publishes as a retained message when the connection of a client breaks."""

    topic: str
    payload: bytes


class Bus(Protocol):
    """One live connection to a broker. Messages are sent and received with QoS 1: at least once."""

    @property
    def tells_denials(self) -> bool:
        """Whether the broker reports that it denies a message. Only MQTT 5 does."""

    @property
    def connected(self) -> bool:
        """Whether the connection is up now. A lost connection is restored automatically."""

    @property
    def drops(self) -> int:
        """How often the connection has been lost."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish a message. An empty retained message deletes the retained one of `topic`.

        Raises:
            BusRefused: The broker denied it, or the payload is larger than `LARGEST_PAYLOAD`.
            BusUnreachable: No answer came in time. The message may still arrive.
        """

    def subscribe(self, topic_filter: str) -> None:
        """Receive matching messages from now on, also after a reconnect.

        Raises:
            BusRefused: The broker denied it. Mosquitto with an ACL file never denies; it just delivers nothing.
            BusUnreachable: No answer came in time.
        """

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None if none comes within `seconds`.

        Raises:
            BusRefused: The broker ended the connection, and a reconnect would not help.
        """

    def close(self) -> None:
        """Disconnect. The will is not published. Closing twice is fine."""
