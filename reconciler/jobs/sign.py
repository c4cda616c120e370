"""Sign events with the token of their job, and verify them. Pure.

The payload is one flat JSON object whose last member is the signature:

    {"job_id":"...","event":"completed","detail":"...","timestamp":"...","publisher":"...","seq":7,"id":"...","hmac":"..."}

`hmac` is HMAC-SHA256 (RFC 2104) in 64 lower-case hex digits. The key is the 32 bytes of `auth_token`; if the token is
not 64 hex digits, as the original scripts may have made it, the key is its characters. The signature covers the bytes
that were sent before `,"hmac":"`, followed by `}`. So a verifier needs no canonical form of JSON.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import to_builtins
from msgspec.structs import fields

from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.event_kind import EventKind
from reconciler.model.job import AUTH_TOKEN, DropReason, Ending, Job, JobEvent
from reconciler.model.moment import parse_zoned
from reconciler.model.read_json import read_json
from reconciler.ports.bus import Message

LARGEST_EVENT = 16_384  # bytes; less than every limit that our brokers set
LONGEST_DETAIL = 1_000  # characters; escaped, each may need twelve bytes
WINDOW = timedelta(minutes=5)

_SIGNATURE = re.compile(rb',"hmac":"([0-9a-f]{64})"\}\Z')
_SIGNATURE_SIZE = 75
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LARGEST_SEQ = 1 << 53  # the largest integer that every JSON reader keeps exactly (RFC 8259, section 6)
_REMEMBERED = 256


def _whole(value: object) -> int:
    """The number of an exit code. Raises ValueError for anything else."""
    if type(value) is not int or abs(value) > _LARGEST_SEQ:
        raise ValueError("not a number")
    return value


_ALWAYS = tuple(each.name for each in fields(JobEvent) if each.required)
_SOMETIMES: Mapping[str, Callable[[Any], Any]] = {
    "ending": Ending,
    "delivery": DeliveryVerdict,
    "validated": _whole,
}


@dataclass(slots=True)
class SeenEvents:
    """The events of one job that one follower has seen."""

    last: dict[str, int]
    """The last `seq` of each publisher."""
    result: str = ""
    """Id of the event that ended the job."""
    ids: dict[str, None] = field(default_factory=dict)
    """The latest ids. Their number is limited: `seq` identifies older events."""
    on_disk: dict[str, None] = field(default_factory=dict)
    """Ids read from the job's outbox. The broker may deliver these events later; that is not a replay."""

    def add(self, event: JobEvent) -> None:
        """Remember an event with a valid signature."""
        self.last[event.publisher] = event.seq
        _remember(self.ids, event.id)
        if event.event.ends_the_job:
            self.result = self.result or event.id

    def add_from_disk(self, event: JobEvent) -> bool:
        """Remember an event from the outbox; False when it was already known."""
        known = _why_repeated(event, self)
        _remember(self.on_disk, event.id)
        if known is None:
            self.add(event)
        return known is None


def _remember(ids: dict[str, None], id_: str) -> None:
    ids[id_] = None
    if len(ids) > _REMEMBERED:
        del ids[next(iter(ids))]


def seen_of(job: Job) -> SeenEvents:
    """The seen events according to the job's record."""
    return SeenEvents(dict(job.seen), job.result.event_id if job.result else "")


def sign(event: JobEvent, auth_token: str) -> bytes:
    """Return the signed payload of an event. Raises ValueError without a token."""
    if not auth_token:
        raise ValueError("there is no token to sign with")
    return sealed(json.dumps(to_builtins(event), separators=(",", ":")).encode(), auth_token)


def sealed(body: bytes, auth_token: str) -> bytes:
    """A JSON object, not empty, with its signature as the last member."""
    return b'%s,"hmac":"%s"}' % (body[:-1], hmac.digest(_key(auth_token), body, "sha256").hex().encode())


def verify_hmac(
    message: Message, job: Job, seen: SeenEvents, now: datetime, window: timedelta = WINDOW
) -> JobEvent | DropReason:
    """Return the event in a message if the job's token signed it and it is new; else the reason to drop it.

    An event older than `window` is stale, unless it ends the job: an end stays true. An event from before the job, or
    from the future, is stale when it is off by more than `window`.
    """
    if len(message.payload) > LARGEST_EVENT:
        return DropReason.OVERSIZED
    content = object_in(message.payload)
    if content is None:
        return DropReason.MALFORMED
    event = _why_distrusted(message, content, job) or _event(content) or DropReason.MALFORMED
    return (
        event
        if isinstance(event, DropReason)
        else _why_repeated(event, seen) or _why_stale(event, job, now, window) or event
    )


def _why_distrusted(message: Message, content: Mapping[str, Any], job: Job) -> DropReason | None:
    if message.topic != job.topic or content.get("job_id", job.id) != job.id:
        return DropReason.FOREIGN_TOPIC
    if "hmac" not in content:
        return DropReason.UNSIGNED
    if not job.auth_token:
        return DropReason.UNVERIFIABLE
    return None if is_genuine(message.payload, job.auth_token) else DropReason.FORGED


def _key(auth_token: str) -> bytes:
    return bytes.fromhex(auth_token) if AUTH_TOKEN.fullmatch(auth_token) else auth_token.encode()


def is_genuine(payload: bytes, auth_token: str) -> bool:
    """Whether the token made the signature at the end of the payload."""
    found = _SIGNATURE.search(payload, max(len(payload) - _SIGNATURE_SIZE, 0))
    if found is None:
        return False
    expected = hmac.digest(_key(auth_token), payload[:-_SIGNATURE_SIZE] + b"}", "sha256").hex()
    return hmac.compare_digest(found[1], expected.encode())


def object_in(payload: bytes) -> dict[str, Any] | None:
    """The JSON object; None for anything else, and for one that readers may understand differently."""
    try:
        content = read_json(payload, _without_duplicates)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build the object, and reject duplicate keys: JSON readers differ in which of the two they use."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key is defined twice")
    return content


def _event(content: Mapping[str, Any]) -> JobEvent | None:
    try:
        given = {name: content[name] for name in _ALWAYS}
        given |= {name: made(content[name]) for name, made in _SOMETIMES.items() if name in content}
        event = JobEvent(**{**given, "event": EventKind(given["event"])})
    except (KeyError, ValueError, TypeError):
        return None
    return event if _is_valid(event) else None


def _is_valid(event: JobEvent) -> bool:
    texts = (event.detail, event.timestamp, event.publisher, event.id)
    if not all(isinstance(text, str) for text in texts) or type(event.seq) is not int:
        return False
    named = _NAME.fullmatch(event.publisher) and _NAME.fullmatch(event.id)
    return named is not None and 0 < event.seq < _LARGEST_SEQ and _time(event.timestamp) is not None


def _time(text: str) -> datetime | None:
    try:
        return parse_zoned(text)
    except ValueError:
        return None


def _why_repeated(event: JobEvent, seen: SeenEvents) -> DropReason | None:
    if event.id == seen.result or event.id in seen.on_disk:
        return DropReason.REPEATED
    if event.id in seen.ids:
        return DropReason.REPLAYED_ID
    return DropReason.REPLAYED_SEQ if event.seq <= seen.last.get(event.publisher, 0) else None


def _why_stale(event: JobEvent, job: Job, now: datetime, window: timedelta) -> DropReason | None:
    said, made = _time(event.timestamp), _time(job.created_at)
    if said is None or made is None:
        return DropReason.STALE
    oldest = made if event.event.ends_the_job else max(made, now)
    return None if oldest - window <= said <= now + window else DropReason.STALE
