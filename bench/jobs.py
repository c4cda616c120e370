"""Measure how fast one follower verifies and records events, how long one event takes to be on record, and what a
delivery costs.

A broker of our own takes the events from one publisher while the follower runs, so the three share the
machine. The clock starts when the publisher is connected. The agent of the deliveries is the stand-in
of the tests, which takes a prompt at once: what is left is our own time, half a second of which the text stands in the
input box before Enter.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from multiprocessing import get_context
from threading import Barrier
from typing import TypeVar

from lab import Lab, lab
from measure import Row, machine, table
from mqtt import empty_broker
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from reconciler.jobs.follow import follow
from reconciler.jobs.publish import Outcome, publish
from reconciler.jobs.record import NewJob, Records, job_ids, read
from reconciler.jobs.sign import SeenEvents, sign, verify_hmac
from reconciler.jobs.transitions import open_job
from reconciler.model.broker import Connection
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Job, JobEvent, JobStatus
from reconciler.model.moment import to_millisecond
from reconciler.ports.bus import Message
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.mqtt import connect

_EVENTS, _MANY, _REPEATS, _SINGLE, _JOBS = 10_000, 100, 3, 20, 5
_SETTLED, _PATIENCE = 31, 60
_RECONCILER = (sys.executable, "-m", "reconciler")
_STANDINS = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "tests", "standin", "bin"))
T = TypeVar("T")
_CLOCK = RealClock()
_SPAWN = get_context("spawn")  # the follower's threads do not survive a fork


def rows() -> Iterator[Row]:
    yield _rate(f"job events, verified alone, {_EVENTS} of them", verified)
    for jobs in (1, _MANY):
        yield _rate(f"job events, verified and recorded by one follower, {_EVENTS} of {jobs} job(s)", recorded(jobs))
    yield Row(f"`publish` to on record, one event at a time, {_SINGLE} of them", f"{_latency() * 1000:.1f} ms")
    delivered, started = _deliveries()
    yield Row(f"delivery to an idle agent, paste to evidence, {_JOBS} of them", f"{delivered:.2f} s")
    yield Row(f"`job submit` to `started` on record, {_JOBS} of them", f"{started:.2f} s")


def verified(records: Records, _connection: Connection) -> float:
    """Seconds to check signature, shape, order and time of all events."""
    (job,) = _opened(records, 1)
    messages, seen, now = _signed(records, [job]), SeenEvents({}), records.clock.now()
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
            ready = _SPAWN.Barrier(2)
            publisher = _SPAWN.Process(target=_publish, args=(connection, messages, ready))
            publisher.start()
            ready.wait(_PATIENCE)
            began = time.perf_counter()
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


def _deliveries() -> tuple[float, float]:
    """Median seconds of the deliveries by themselves, and from the start of `job submit` to the agent's first event."""
    with lab() as place, empty_broker() as connection:
        env = {**place.env(), "MQTT_BROKER": connection.host, "MQTT_PORT": str(connection.port), "MQTT_TLS": "0"}
        env["PATH"] = f"{_STANDINS}:{env['PATH']}"
        _begin_agent(place, env)
        records = Records(os.path.join(place.root, ".mam", "jobs"), RealFiles(), RealClock(), env)
        times = [_submitted(place, env, records) for _ in range(_JOBS)]
    return statistics.median(one for one, _ in times), statistics.median(both for _, both in times)


def _begin_agent(place: Lab, env: Mapping[str, str]) -> None:
    """One agent that has run long enough not to be watched as a fresh one is."""
    with open(os.path.join(place.root, "reconciler.yaml"), "w", encoding="utf-8") as file:
        file.write(f"version: 1\ntmux: {{socket_path: {place.socket}}}\n")
        file.write("workspaces: {w: {path: w, agents: {claude: {}}}}\n")
    subprocess.run([*_RECONCILER, "apply", "--auto-approve"], check=True, env=env, cwd=place.root, capture_output=True)
    _CLOCK.wait(_SETTLED)


def _submitted(place: Lab, env: Mapping[str, str], records: Records) -> tuple[float, float]:
    """Seconds of the delivery, and of everything up to the agent's first event."""
    known = set(job_ids(records))
    words = ["job", "submit", "--agent", "claude", "--prompt", "hello"]
    began = time.perf_counter()
    command = subprocess.Popen(
        [*_RECONCILER, *words], env=env, cwd=place.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    job = _once(lambda: next((read(records, each) for each in job_ids(records) if each not in known), None))
    _once(lambda: read(records, job.id).status is JobStatus.DELIVERED)
    publish(records, job.id, EventKind.STARTED)
    _once(lambda: read(records, job.id).status is JobStatus.RUNNING)
    started = time.perf_counter() - began
    publish(records, job.id, EventKind.COMPLETED)
    if command.wait():
        raise SystemExit(f"`job submit` ended with {command.returncode}, so this time would mean nothing")
    delivery = read(records, job.id).delivery or {}
    return float(str(delivery["seconds"])), started


def _once(found: Callable[[], T]) -> T:
    """The first answer that is one."""
    deadline = time.perf_counter() + _PATIENCE
    while not (answer := found()):
        if time.perf_counter() > deadline:
            raise SystemExit("a job came to a halt, so this time would mean nothing")
        _CLOCK.wait(0.002)
    return answer


def _opened(records: Records, jobs: int) -> list[Job]:
    return [open_job(records, NewJob("p", "a", "tmux:s", records.folder)) for _ in range(jobs)]


def _signed(records: Records, jobs: Sequence[Job]) -> list[Message]:
    """All events, of each job in turn; the last of each ends it."""
    now, each = to_millisecond(records.clock.now()), _EVENTS // len(jobs)
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


def _publish(connection: Connection, messages: Sequence[Message], ready: Barrier) -> None:
    """In a process of its own: it must not take turns with the follower."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect(connection.host, connection.port)
    client.loop_start()
    ready.wait(_PATIENCE)
    for message in messages:
        last = client.publish(message.topic, message.payload, qos=1)
    last.wait_for_publish()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    print(f"{machine()}, {_REPEATS} runs each\n")
    print(table(list(rows())))
