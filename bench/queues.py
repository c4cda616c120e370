"""What the queue of jobs for other hosts costs: bytes, CPU and memory of Mosquitto and of a NATS server, both with TLS.

By hand: `python bench/queues.py`. Clients and servers share the machine, so only CPU and bytes count.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread
from time import monotonic

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "tests")]

from broker.jetstream import JetStream, JetStreamKnobs  # noqa: E402 - the servers are beside the tests
from broker.mosquitto import Knobs, Mosquitto  # noqa: E402
from waiting import wait_until  # noqa: E402

from reconciler.jobs.envelope import envelope_of, packed  # noqa: E402
from reconciler.jobs.sign import sign  # noqa: E402
from reconciler.model.destination import Destination  # noqa: E402
from reconciler.model.event_kind import EventKind  # noqa: E402
from reconciler.model.job import Job, JobEvent  # noqa: E402
from reconciler.ports.bus import Message  # noqa: E402
from reconciler.ports.queue import JobQueue, QueuedJob  # noqa: E402
from reconciler.ports.queues import Boxes, open_queue  # noqa: E402

_ACL = "user hermes\ntopic readwrite #\n"
_JOBS, _IDLE, _SECONDS = 300, (10, 100), 20.0
_PREFIX, _TIME, _PROMPT = "python/mqtt/jobs", "2026-11-30T12:00:00.000Z", "Fix the header of the page. " * 8
_TICK = os.sysconf("SC_CLK_TCK")
Server = Mosquitto | JetStream


def _job(number: int) -> Job:
    job_id = f"20261130T120000{number:03d}-0123456789abcdef"
    known = {"agent_session": "", "workdir": "", "created_at": _TIME, "updated_at": _TIME, "auth_token": "ab" * 32}
    return Job(job_id, _PROMPT, "claude", timeout=3600, idle_timeout=120, topic=f"{_PREFIX}/{job_id}/events", **known)


def _event(job: Job, kind: EventKind) -> bytes:
    event = JobEvent(job.id, kind, "3 tests fixed", timestamp=_TIME, publisher="ab" * 8, seq=1, id="cd" * 16)
    return sign(event, job.auth_token)


def _open(server: Server, host: str) -> JobQueue:
    way = server.server if isinstance(server, JetStream) else Boxes(server.connection("hermes"), _PREFIX)
    return open_queue(way, host, 60)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _memory(pid: int) -> int:
    """Its own memory, in kB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def _stored(server: Server) -> int:
    """The bytes of its database, or of its streams."""
    names = ("mosquitto.db",) if isinstance(server, Mosquitto) else ("jetstream/**/*.blk",)
    return sum(path.stat().st_size for name in names for path in server.folder.glob(name))


def _queued(server: Server, jobs: list[Job]) -> Iterator[str]:
    with closing(_open(server, "a")) as queue:
        before = _stored(server)
        for job in jobs:
            queue.submit(QueuedJob(job.id, Destination(host="b"), packed(envelope_of(job, "a", "", ""))))
        wait_until(lambda: _stored(server) > before + _JOBS * 500)
        yield f"{(_stored(server) - before) / _JOBS:.0f} bytes stored a job that waits"


def _done(server: Server, jobs: list[Job]) -> None:
    """Do all jobs as a runner does: claim, begin, four events and the end."""
    known = {job.id: job for job in jobs}
    with closing(_open(server, "b")) as queue:
        while claim := queue.claim(1):
            job = known.pop(claim.id)
            queue.heartbeat(claim)
            queue.begin(claim)
            for kind in (EventKind.CLAIMED, EventKind.STARTED, EventKind.PROGRESS, EventKind.PROGRESS):
                queue.bus.publish(job.topic, _event(job, kind))
            queue.finish(claim, Message(job.topic, _event(job, EventKind.COMPLETED), retained=True))
    if known:
        sys.exit(f"{len(known)} jobs were lost")


def _idle(server: Server, pid: int, count: int) -> str:
    """Clients that wait for jobs as runners do, each with a connection of its own."""
    before = _memory(pid)
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(_open(server, f"h{number}"))) for number in range(count)]
        for client in clients:
            client.claim(0)
        begun, end = _cpu(pid), monotonic() + _SECONDS
        threads = [Thread(target=_wait, args=(client, end)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        used, memory = (_cpu(pid) - begun) / _SECONDS / count, (_memory(pid) - before) / count
    return f"{count} runners that wait: {used * 1000:.2f} ms CPU a second and {memory:.0f} kB each at the server"


def _wait(client: JobQueue, end: float) -> None:
    while monotonic() < end:
        client.claim(2)


def _measured(server: Server) -> Iterator[str]:
    server.write()
    server.start()
    try:
        pid = server._process.pid  # noqa: SLF001 - nobody else needs it
        jobs = [_job(number) for number in range(_JOBS)]
        yield f"{_memory(pid)} kB without a client"
        used, mine = _cpu(pid), sum(os.times()[:2])
        yield from _queued(server, jobs)
        _done(server, jobs)
        yield f"{(_cpu(pid) - used) / _JOBS * 1000:.1f} ms CPU a job at the server"
        yield f"{(sum(os.times()[:2]) - mine) / _JOBS * 1000:.1f} ms CPU a job at both clients"
        yield f"{_stored(server) / _JOBS:.0f} bytes stored a job that is done"
        for count in _IDLE:
            yield _idle(server, pid, count)
    finally:
        server.stop()


def main() -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    job = _job(0)
    print(f"envelope {len(packed(envelope_of(job, 'a', '', '')))} bytes, of which prompt {len(_PROMPT)}")
    print(f"event {len(_event(job, EventKind.PROGRESS))} bytes")
    for name, make in {
        "mosquitto": lambda folder: Mosquitto(folder, Knobs(acl=_ACL)),
        "nats-server": lambda folder: JetStream(folder, JetStreamKnobs(tls=True, login=True)),
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            for line in _measured(make(Path(folder))):
                print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main()
