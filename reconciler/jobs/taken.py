"""A job that this host has claimed for another one: its record here, and what of it still has to be told there.

Beside the record, `<id>/told.json` says what was already told.
Everything is on disk before it is told, so a runner that was killed goes on where it was.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.broker import LOCAL
from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.destination import destination_of
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Ending, Job, JobEvent, JobStatus
from reconciler.model.moment import to_millisecond
from reconciler.model.observed import Present
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.ports.bus import Bus, Message
from reconciler.ports.local_bus import spooled
from reconciler.ports.queue import Claim

from .envelope import Envelope
from .orders import keep_order, order_of
from .reading import RecordUnreadable
from .record import Records, UnknownJob, home_of, job_ids, read
from .sign import LONGEST_DETAIL, sign
from .transitions import open_record

_TOLD = "told.json"
_UNCERTAIN = frozenset({DeliveryVerdict.TYPED_NOT_SUBMITTED, DeliveryVerdict.UNVERIFIED})


class TellState(Struct, frozen=True):
    """What the host that submitted the job was told. Our own events have a publisher and numbers of their own."""

    publisher: str
    claimed: bool = False
    sent: int = 0
    """How much of the file with the agent's events was sent."""
    last: str = ""
    """The signed event that ends the job, once it was made: it is always told with the same words."""
    done: bool = False
    elsewhere: bool = False
    """Whether another host began it: then it is not done here, and nothing is told from here."""


class Workplace(Struct, frozen=True):
    """Where a claimed job is done."""

    host: str
    agent: str
    workdir: str
    validate: str = ""
    """The absolute path of the script."""


def take(records: Records, claim: Claim, envelope: Envelope, place: Workplace) -> Job:
    """Write the record of a claimed job, with the id and the token that it has at its origin.

    Raises ReconcilerError if it cannot be written.
    """
    order = envelope.job
    job = Job(
        id=order.id,
        prompt=order.prompt,
        agent=place.agent,
        agent_session="",
        workdir=place.workdir,
        timeout=order.timeout,
        idle_timeout=order.idle_timeout,
        created_at=order.created_at,
        updated_at=order.created_at,
        topic=order.topic,
        auth_token=order.auth_token,
        validate=place.validate,
        broker={LOCAL: True},
        retry_of=order.retry_of,
        retries=order.retries,
        queue=claim.to.queue,
        origin=envelope.origin,
        host=place.host,
    )
    records.files.make_folder(home_of(records, job.id), 0o700)
    keep_order(records, job.id, claim.envelope)
    _note(records, job.id, TellState(os.urandom(8).hex()))
    return open_record(records, job)


def taken_jobs(records: Records) -> tuple[Job, ...]:
    """The jobs of other hosts about which not everything was told, oldest first; unreadable records are left out."""
    found = []
    for job_id in job_ids(records):
        with suppress(UnknownJob, RecordUnreadable):
            job = read(records, job_id)
            if job.origin and not told(records, job_id).done:
                found.append(job)
    return tuple(found)


def claim_of(records: Records, job: Job) -> Claim:
    """The claim of a recorded job whose own one was lost with a runner."""
    return Claim(job.id, destination_of(job.queue), order_of(records, job.id))


def told(records: Records, job_id: str) -> TellState:
    """What was told; a damaged note counts as lost, and everything is told once more, by a new publisher."""
    found = records.files.read(_told(records, job_id))
    with suppress(ValueError):
        if isinstance(found, Present):
            return shaped(TellState, read_json(found.value))
    return TellState(os.urandom(8).hex())


def tell(records: Records, job: Job, bus: Bus) -> bool:
    """Send the host that submitted the job all that is new, except its end; whether there was anything.

    Raises BusUnreachable and BusRefused; it is sent again then.
    """
    state = before = told(records, job.id)
    if not state.claimed:
        bus.publish(job.topic, _claimed(records, job, state))
        state = replace(state, claimed=True)
        _note(records, job.id, state)
    messages, end = spooled(records.folder, job.id, state.sent)
    for message in messages:
        if message.topic == job.topic and not message.retained:  # its end is told with what came of it here
            bus.publish(message.topic, message.payload)
    if end != state.sent:
        state = replace(state, sent=end)
        _note(records, job.id, state)
    return state != before


def last_event(records: Records, job: Job) -> Message:
    """The event that tells the end of a job and what came of it here; the same one whenever it is asked for.

    Raises ValueError if the job has not ended.
    """
    state = told(records, job.id)
    if not state.last:
        state = replace(state, last=_ended(records, job, state).decode())
        _note(records, job.id, state)
    return Message(job.topic, state.last.encode(), retained=True)


def note_done(records: Records, job_id: str, *, elsewhere: bool = False) -> None:
    """Note that nothing remains to be told; with `elsewhere`, because another host began the job."""
    _note(records, job_id, replace(told(records, job_id), done=True, elsewhere=elsewhere))


def has_spoken(job: Job) -> bool:
    """Whether the agent itself was heard, which proves that it has the prompt."""
    return job.status is JobStatus.RUNNING or bool(job.result and job.result.event_id)


def why_dead(job: Job) -> str:
    """Why an ended job is a dead letter; empty if it is none.

    A job is one if its prompt was not typed, or if the agent said nothing after a delivery that proved nothing.
    """
    if job.result is None or job.result.ending in {Ending.COMPLETED, Ending.CANCELLED} or has_spoken(job):
        return ""
    verdict = (job.delivery or {}).get("verdict")
    if verdict is None:
        return job.result.detail
    if verdict in _UNCERTAIN:
        return f"uncertain: the prompt may have been typed ({verdict}), and its agent said nothing"
    return job.result.detail if verdict != DeliveryVerdict.SUBMITTED else ""


def _claimed(records: Records, job: Job, state: TellState) -> bytes:
    event = _event(job, EventKind.CLAIMED, job.host, to_millisecond(records.clock.now()))
    return sign(replace(event, publisher=state.publisher, seq=1), job.auth_token)


def _ended(records: Records, job: Job, state: TellState) -> bytes:
    if job.result is None:
        raise ValueError("the job has not ended")
    kind = EventKind.COMPLETED if job.result.ending is Ending.COMPLETED else EventKind.ERROR
    event = _event(job, kind, job.result.detail, to_millisecond(records.clock.now()))
    verdict = (job.delivery or {}).get("verdict")
    delivery = DeliveryVerdict(str(verdict)) if verdict else None
    if delivery is None and why_dead(job):
        delivery = DeliveryVerdict.REFUSED_DEAD  # no agent could be found that it might have been typed into
    whole = replace(event, ending=job.result.ending, delivery=delivery, validated=job.validated)
    return sign(replace(whole, publisher=state.publisher, seq=2), job.auth_token)


def _event(job: Job, kind: EventKind, detail: str, at: str) -> JobEvent:
    """An event without its publisher and number."""
    harmless = job.without_token(detail)[:LONGEST_DETAIL]
    return JobEvent(job.id, kind, harmless, timestamp=at, publisher="", seq=0, id=os.urandom(16).hex())


def _note(records: Records, job_id: str, state: TellState) -> None:
    content: dict[str, Any] = to_builtins(state)
    records.files.write(_told(records, job_id), json.dumps(content).encode(), 0o600)


def _told(records: Records, job_id: str) -> str:
    return os.path.join(home_of(records, job_id), _TOLD)
