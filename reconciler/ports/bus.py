"""What a message bus promises, and the names of what can go wrong with one; free of any MQTT library.

Codes are those of MQTT 5.0, section 2.4. What a broker says with `PUBACK 16`, that nobody listened, is a success.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from reconciler.model.errors import ReconcilerError, Unreachable

LARGEST_PAYLOAD = 65_536  # fits into every packet size that our brokers allow by default


class Cause(StrEnum):
    """Why a broker could not be used; the names are stable."""

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
    """No trustworthy connection to the broker came about, or it was lost; `cause` says why."""

    def __init__(self, cause: Cause, summary: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self.cause = cause


class BusRefused(ReconcilerError):
    """The broker, or the client for it, said no; `cause` says why."""

    def __init__(self, cause: Cause, summary: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self.cause = cause


class Message(Struct, frozen=True):
    """One received message; `retained` when the broker had kept it for those who come late."""

    topic: str
    payload: bytes
    retained: bool = False


class Will(Struct, frozen=True):
    """What the broker publishes, and keeps, for a client whose connection breaks."""

    topic: str
    payload: bytes


class Bus(Protocol):
    """One live connection to a broker. Every message goes and comes with QoS 1: at least once."""

    @property
    def tells_denials(self) -> bool:
        """Whether the broker says so when it denies a message; only MQTT 5 does."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there at this moment; a lost connection comes back by itself."""

    @property
    def drops(self) -> int:
        """How often the connection was lost so far."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the broker; an empty retained one clears what was kept under `topic`.

        Raises:
            BusRefused: The broker denied it, or it is larger than `LARGEST_PAYLOAD`.
            BusUnreachable: No answer came in time; the message may arrive nevertheless.
        """

    def subscribe(self, topic_filter: str) -> None:
        """Receive what matches the filter from now on, also after a lost connection came back.

        Raises:
            BusRefused: The broker denied it. Mosquitto with an ACL file never does; it delivers nothing.
            BusUnreachable: No answer came in time.
        """

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None when there is none within `seconds`.

        Raises:
            BusRefused: The broker ended the connection in a way that coming back would not mend.
        """

    def close(self) -> None:
        """Say goodbye and end the connection; its will is not published. Closing twice is fine."""
