"""Publish events of a job, and know whether the broker has them.

Each event is written to disk before it is sent, so it survives an unreachable broker and a killed publisher.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from enum import StrEnum

from msgspec import Struct

from reconciler.broker.clients.connection import InvalidConnection, Settings, broker_config_from_env
from reconciler.model.broker import EventWay, Spool, is_local
from reconciler.model.errors import ReconcilerError, Unreachable
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Job, JobEvent
from reconciler.model.moment import to_millisecond
from reconciler.ports import lockfile
from reconciler.ports.bus import Bus
from reconciler.ports.buses import open_bus

from .outbox import MOST_WAITING, Outbox, OutboxEvent, next_number, outbox_of, put, result, settle, waiting, withdraw
from .record import Records, read
from .sign import LONGEST_DETAIL, sign


class Outcome(StrEnum):
    """What became of an event."""

    PUBLISHED = "published"  # the broker acknowledged it
    QUEUED = "queued"  # the broker is unreachable: the event waits on disk until a later publish or a follower sends it
    FAILED = "failed"  # it was neither sent nor stored


class Publication(Struct, frozen=True):
    """The outcome of a publish."""

    outcome: Outcome
    reason: str = ""
    """Why it was not published or, if it was, what remains unknown."""
    fix: str = ""


class Flushed(Struct, frozen=True):
    """How many waiting events were sent, and why others were not."""

    sent: int
    problems: tuple[str, ...] = ()


def publish(records: Records, job_id: str, kind: EventKind, detail: str = "") -> Publication:
    """Send one event after those that wait. The key and the broker come from the job's record alone.

    A detail longer than `LONGEST_DETAIL` characters is cut. A job ends once: publishing the same end again sends the
    same event again, and publishing anything else after the end fails.

    Raises:
        UnknownJob: The job has no record.
        ReconcilerError: The record or the outbox cannot be read or written.
    """
    job = read(records, job_id)
    if not job.auth_token:
        return Publication(
            Outcome.FAILED,
            f"the record of job {job_id} has no usable `auth_token`, so its events cannot be signed",
            f"cancel the job, then submit it again: reconciler job retry {job_id}",
        )
    outbox = outbox_of(records, job_id)
    with lockfile.one_at_a_time(outbox.folder):
        queue = waiting(outbox)
        said = next((event for event in queue if event.kind.ends_the_job), result(outbox))
        if said and said.kind is not kind:
            return Publication(Outcome.FAILED, f"the job has already ended with {said.kind}")
        if said:
            return _sent(records, job, queue or [said])
        if len(queue) >= MOST_WAITING and not kind.ends_the_job:
            return Publication(Outcome.FAILED, f"{len(queue)} events are already waiting", "check that the broker runs")
        new = _put(records, job, kind, detail)
        publication = _sent(records, job, [*queue, new])
        if publication.outcome is Outcome.FAILED:
            withdraw(outbox, new)
        return publication


def flush(records: Records, job_ids: Iterable[str], *, again: bool = False) -> Flushed:
    """Send the waiting events of these jobs, oldest first; with `again`, also the stored results.

    Skips jobs that a publisher is sending for. A broker or record that fails does not stop the others.
    """
    groups, problems = _by_way(records, job_ids, again)
    sent = 0
    for way, jobs in groups.items():
        try:
            sent += _flush(records, jobs, way, again)
        except ReconcilerError as error:
            problems.append(error.summary)
    return Flushed(sent, tuple(dict.fromkeys(problems)))


def _by_way(records: Records, job_ids: Iterable[str], again: bool) -> tuple[dict[EventWay, list[Job]], list[str]]:
    """The jobs with something to send, and why others cannot be sent."""
    groups: dict[EventWay, list[Job]] = {}
    problems: list[str] = []
    for job_id in job_ids:
        try:
            if _to_send(outbox_of(records, job_id), again) and not _is_busy(records, job_id):
                job = read(records, job_id)
                groups.setdefault(_way(records, job), []).append(job)
        except InvalidConnection as error:
            problems.append(f"{error.detail} ({error.fix})")
        except ReconcilerError as error:
            problems.append(error.summary)
    return groups, problems


def _is_busy(records: Records, job_id: str) -> bool:
    """Whether a publisher is sending now: it will send what waits."""
    with lockfile.if_free(outbox_of(records, job_id).folder) as free:
        return not free


def _flush(records: Records, jobs: Iterable[Job], way: EventWay, again: bool) -> int:
    count = 0
    with closing(open_bus(way)) as bus:
        for job in jobs:
            outbox = outbox_of(records, job.id)
            with lockfile.if_free(outbox.folder) as free:
                events = _to_send(outbox, again) if free else []
                _send(bus, job, outbox, events)
                count += len(events)
    return count


def _to_send(outbox: Outbox, again: bool) -> list[OutboxEvent]:
    kept = result(outbox) if again else None
    return [*waiting(outbox), *([kept] if kept else [])]


def _put(records: Records, job: Job, kind: EventKind, detail: str) -> OutboxEvent:
    outbox = outbox_of(records, job.id)
    publisher, seq = next_number(outbox)
    now = to_millisecond(records.clock.now())
    event = JobEvent(
        job_id=job.id,
        event=kind,
        detail=_cut(job.without_token(detail)),
        timestamp=now,
        publisher=publisher,
        seq=seq,
        id=os.urandom(16).hex(),
    )
    return put(outbox, event, sign(event, job.auth_token))


def _cut(detail: str) -> str:
    return detail if len(detail) <= LONGEST_DETAIL else detail[: LONGEST_DETAIL - 1] + "…"


def _sent(records: Records, job: Job, events: Iterable[OutboxEvent]) -> Publication:
    try:
        with closing(open_bus(_way(records, job))) as bus:
            _send(bus, job, outbox_of(records, job.id), events)
            known = bus.tells_denials
    except Unreachable as error:
        return Publication(Outcome.QUEUED, str(error), error.fix)
    except ReconcilerError as error:
        return Publication(Outcome.FAILED, "; ".join(filter(None, (str(error), error.detail))), error.fix)
    return Publication(
        Outcome.PUBLISHED, "" if known else "this broker uses MQTT 3.1.1, which does not report a denied publish"
    )


def _send(bus: Bus, job: Job, outbox: Outbox, events: Iterable[OutboxEvent]) -> None:
    for event in events:
        bus.publish(job.topic, event.payload, retain=event.kind.ends_the_job)
        if not event.path.endswith(f"result.{event.kind}"):
            settle(outbox, event)


def _way(records: Records, job: Job) -> EventWay:
    """As the record says; one that names no broker goes through files, unless MQTT_BROKER names one."""
    if is_local(job.broker):
        return Spool(records.folder)
    connection = broker_config_from_env(Settings(job=job.broker, env=records.env), records.files)
    is_named = job.broker.get("host") or records.env.get("MQTT_BROKER")
    return connection if is_named else Spool(records.folder)
