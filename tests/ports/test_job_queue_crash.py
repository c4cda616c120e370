"""Workers and the server are killed while 1,500 jobs of a pool are done: none is lost, and no prompt is typed twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from broker.jetstream import serving
from waiting import PATIENCE, wait_until

from reconciler.model.destination import Destination
from reconciler.ports.nats_queue import NatsQueue
from reconciler.ports.queue import QueuedJob

WORKER = Path(__file__).with_name("queue_worker.py")
POOL = "claude"
JOBS = [f"20261130T100000000-{number:016x}" for number in range(1500)]
STOPS = {"hB": "claimed:40", "hC": "begun:80", "hD": "typed:120"}
KILLS = (300, 800)
"""After how many prompts the server is killed."""


class Workers:
    """One worker a host; ended by their pids."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, host: str, *stop: str) -> None:
        command = [sys.executable, str(WORKER), self._url, host, str(self._folder), POOL, *stop]
        self._processes[host] = subprocess.Popen(command)

    def kill(self, host: str) -> None:
        process = self._processes.pop(host)
        process.kill()
        process.wait(PATIENCE)

    def kill_all(self) -> None:
        for host in tuple(self._processes):
            self.kill(host)

    def are_all_alive(self) -> bool:
        return all(process.poll() is None for process in self._processes.values())

    def stopped(self, host: str) -> bool:
        return (self._folder / host / "stopped").exists()

    def typed(self) -> Counter[str]:
        return Counter(line for path in self._folder.glob("*/typed") for line in path.read_text("utf-8").split())


@contextmanager
def working(url: str, folder: Path) -> Iterator[Workers]:
    workers = Workers(url, folder)
    try:
        yield workers
    finally:
        workers.kill_all()


def test_no_job_is_lost_and_no_prompt_is_typed_twice_when_holders_and_the_server_are_killed(tmp_path: Path) -> None:
    records = tmp_path / "hosts"
    records.mkdir()
    with serving(tmp_path) as server, working(server.server.url, records) as workers:
        with closing(NatsQueue(server.server, "hA", patience=PATIENCE)) as sender:
            for host, stop in STOPS.items():
                workers.start(host, stop)
            for job_id in JOBS:
                sender.submit(QueuedJob(job_id, Destination(pool=POOL), b'{"prompt": "say hi"}'))
            for host in STOPS:
                wait_until(lambda host=host: workers.stopped(host), progress=lambda: len(workers.typed()))
                workers.kill(host)
                workers.start(host)
            for number in KILLS:
                wait_until(lambda number=number: len(workers.typed()) > number)
                server.kill()
                server.start()
            results = ends(sender, workers)
            letters = {letter.id for letter in sender.dead_letters()}
            assert workers.are_all_alive()
            assert sender.claim(0, (POOL,)) is None

        typed = workers.typed()
        assert set(results) | letters == set(JOBS)
        assert max(results.values()) == 1
        assert max(typed.values()) == 1
        assert len(typed) >= len(JOBS) - len(STOPS) - len(letters)


def ends(sender: NatsQueue, workers: Workers) -> Counter[str]:
    """How often each job got a result, once each has one or is a dead letter."""
    results: Counter[str] = Counter()
    sender.bus.subscribe("python/mqtt/jobs/+/events")

    def have_all() -> bool:
        while message := sender.bus.receive(0.2):
            results[message.topic.split("/")[3]] += 1
        letters = {letter.id for letter in sender.dead_letters()}
        return len(letters | set(results)) == len(JOBS)

    wait_until(have_all, progress=lambda: (len(results), len(workers.typed())))
    return results


def test_a_job_whose_holders_are_killed_three_times_is_a_dead_letter(tmp_path: Path) -> None:
    records = tmp_path / "hosts"
    records.mkdir()
    with (
        serving(tmp_path) as server,
        working(server.server.url, records) as workers,
        closing(NatsQueue(server.server, "hA", patience=PATIENCE)) as sender,
    ):
        sender.submit(QueuedJob(JOBS[0], Destination(pool=POOL), b"{}"))
        for host in STOPS:
            workers.start(host, "claimed:1")
            wait_until(lambda host=host: workers.stopped(host))
            workers.kill(host)
        workers.start("hE", "claimed:1")
        (letter,) = wait_until(sender.dead_letters)
        assert (letter.id, letter.why, letter.host) == (JOBS[0], "delivered 3 times without an end", "hE")
        assert not workers.stopped("hE")
        assert sender.claim(0, (POOL,)) is None
        assert not workers.typed()
