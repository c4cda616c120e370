"""The answers of JetStream, as far as they are read, and the numbers of its errors. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from .bus import Cause

NOT_FOUND = 10037  # no such message
NO_CONSUMER = 10014
NO_STREAM = 10059
STREAM_EXISTS = 10058  # with other settings
ALREADY_THERE = 10071  # the subject has a message
NO_JETSTREAM = frozenset({10039, 10076})  # for this account, for this server
_TOO_LARGE = frozenset({10054})
_QUOTA = frozenset({10002, 10023, 10026, 10027, 10028, 10047, 10077, 10120, 10121, 10122})


class JetStreamRequest(Struct, frozen=True):
    """What a server is asked, and in words for the user, `what` that means."""

    subject: str
    what: str
    payload: bytes = b""
    headers: dict[str, str] = {}


class JetStreamError(Struct, frozen=True):
    """Why JetStream refused."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class Stored(Struct, frozen=True):
    """A message of a stream."""

    subject: str
    seq: int
    payload: bytes = field(default=b"", name="data")


class StreamSettings(Struct, frozen=True):
    """How a stream keeps what it gets. Times are in nanoseconds; 0 or -1 is no limit.

    A consumer's settings are read as this, too, but nobody looks at them.
    """

    name: str = ""
    subjects: tuple[str, ...] = ()
    retention: str = "limits"
    storage: str = "file"
    duplicate_window: int = 0
    max_age: int = 0
    max_msgs: int = -1
    max_bytes: int = -1
    max_msg_size: int = -1
    max_msgs_per_subject: int = -1
    discard: str = "old"


class Position(Struct, frozen=True):
    """How far a stream has come, or a consumer in its stream."""

    last_seq: int = 0
    stream_seq: int = 0


class Reply(Struct, frozen=True):
    """An answer; each has only some of these."""

    error: JetStreamError | None = None
    message: Stored | None = None
    config: StreamSettings | None = None
    state: Position = Position()
    delivered: Position = Position()


class Pulled(Struct, frozen=True):
    """A message that a consumer gave to this client, and what it takes to answer it."""

    subject: str
    payload: bytes
    receipt: str
    seq: int
    tries: int
    """How often it was given to a client, with this time."""
    queued_at: datetime


def cause_in(error: JetStreamError) -> Cause:
    """The named cause of a refusal."""
    if error.err_code in _TOO_LARGE:
        return Cause.TOO_LARGE
    return Cause.QUOTA if error.err_code in _QUOTA else Cause.OTHER
