"""Measure how fast one follower verifies and records events, and how long one event takes to be on record.

A broker of our own takes the events from one publisher while the follower runs, so the three share the
machine. The time of a follower includes the start of that publisher.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from multiprocessing import get_context

from mqtt import empty_broker
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from run import Row, machine, table

from reconciler.jobs.follow import follow
from reconciler.jobs.moves import open_job
from reconciler.jobs.publish import Outcome, publish
from reconciler.jobs.record import NewJob, Records
from reconciler.jobs.sign import Seen, moment, sign, verify_hmac
from reconciler.model.broker import Connection
from reconciler.model.job import EventKind, Job, JobEvent
from reconciler.ports.bus import Message
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.mqtt import connect

_EVENTS, _MANY, _REPEATS, _SINGLE = 10_000, 100, 3, 20
_SPAWN = get_context("spawn")  # the follower's threads do not survive a fork


def rows() -> Iterator[Row]:
    yield _rate(f"verified alone, {_EVENTS} events", verified)
    for jobs in (1, _MANY):
        yield _rate(f"verified and recorded by one follower, {_EVENTS} events of {jobs} job(s)", recorded(jobs))
    yield Row(f"`publish` to on record, one event at a time, {_SINGLE} of them", f"{_latency() * 1000:.1f} ms")


def verified(records: Records, _connection: Connection) -> float:
    """Seconds to check signature, shape, order and time of all events."""
    (job,) = _opened(records, 1)
    messages, seen, now = _signed(records, [job]), Seen({}), records.clock.now()
    began = time.perf_counter()
    for message in messages:
        event = verify_hmac(message, job, seen, now)
        if not isinstance(event, JobEvent):
            raise SystemExit(f"an event was dropped ({event}), so this time would mean nothing")
        seen.add(event)
    return time.perf_counter() - began


def recorded(jobs: int) -> Callable[[Records, Connection], float]:
    """Seconds from the first publish until every job is on record as completed."""

    def measured(records: Records, connection: Connection) -> float:
        opened = _opened(records, jobs)
        messages = _signed(records, opened)
        with closing(connect(connection)) as bus:
            follower = follow(records, bus, [job.id for job in opened])
            publisher = _SPAWN.Process(target=_publish, args=(connection, messages))
            began = time.perf_counter()
            publisher.start()
            while follower.open:
                follower.step(0.1)
            publisher.join()
        if follower.dropped:
            raise SystemExit(f"events were dropped ({follower.dropped}), so this time would mean nothing")
        return time.perf_counter() - began

    return measured


def _rate(what: str, measured: Callable[[Records, Connection], float]) -> Row:
    rates = []
    for _ in range(_REPEATS):
        with empty_broker() as connection, _records() as records:
            rates.append(_EVENTS / measured(records, connection))
    return Row(what, f"{statistics.median(rates):,.0f} /s")


def _latency() -> float:
    with empty_broker() as connection, _records() as records, closing(connect(connection)) as bus:
        block = {"host": connection.host, "port": connection.port}
        job = open_job(records, NewJob("p", "a", "tmux:s", records.folder, broker=block))
        follower = follow(records, bus, [job.id])
        times = []
        for _ in range(_SINGLE):
            began = time.perf_counter()
            if publish(records, job.id, EventKind.PROGRESS).outcome is not Outcome.PUBLISHED:
                raise SystemExit("an event was not published, so these times would mean nothing")
            while not follower.step(0.1):
                pass
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def _opened(records: Records, jobs: int) -> list[Job]:
    return [open_job(records, NewJob("p", "a", "tmux:s", records.folder)) for _ in range(jobs)]


def _signed(records: Records, jobs: Sequence[Job]) -> list[Message]:
    """All events, of each job in turn; the last of each ends it."""
    now, each = moment(records.clock.now()), _EVENTS // len(jobs)
    ids = count()
    return [
        Message(
            job.topic, sign(JobEvent(job.id, _kind(seq, each), "step", now, "p", seq, f"e{next(ids)}"), job.auth_token)
        )
        for seq in range(1, each + 1)
        for job in jobs
    ]


def _kind(seq: int, last: int) -> EventKind:
    return EventKind.COMPLETED if seq == last else EventKind.PROGRESS


@contextmanager
def _records() -> Iterator[Records]:
    with tempfile.TemporaryDirectory() as folder:
        yield Records(os.path.join(folder, "jobs"), RealFiles(), RealClock())


def _publish(connection: Connection, messages: Sequence[Message]) -> None:
    """In a process of its own: it must not take turns with the follower."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect(connection.host, connection.port)
    client.loop_start()
    for message in messages:
        last = client.publish(message.topic, message.payload, qos=1)
    last.wait_for_publish()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    print(f"{machine()}, {_REPEATS} runs each\n")
    print(table(list(rows())))
