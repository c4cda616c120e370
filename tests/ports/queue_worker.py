"""Takes jobs of a pool as a runner would, until it is killed: `queue_worker.py URL HOST FOLDER POOL [STEP:NUMBER]`.

With a step (`claimed`, `begun`, `recorded` or `typed`) it stops for ever at that step of its job of that number.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from reconciler.model.job_server import JobServer
from reconciler.ports.bus import BusUnreachable, Message
from reconciler.ports.nats_queue import NatsQueue
from reconciler.ports.queue import Claim

ACK_WAIT = 2.0


def work(queue: NatsQueue, folder: Path, pool: str, passed: Callable[[str], None]) -> None:
    while True:
        claim = said(lambda: queue.claim(1, (pool,)))
        if claim:
            passed("claimed")
            do(queue, claim, folder, passed)


def do(queue: NatsQueue, claim: Claim, folder: Path, passed: Callable[[str], None]) -> None:
    if not said(lambda: queue.begin(claim)):
        said(lambda: queue.dead_letter(claim, "uncertain: another host began it"))
        return
    passed("begun")
    answer = b"completed" if is_recorded_first(folder / claim.id) else b"uncertain"
    passed("recorded")
    if answer == b"completed":
        append(folder / "typed", claim.id)
    passed("typed")
    said(lambda: queue.finish(claim, Message(f"python/mqtt/jobs/{claim.id}/events", answer)))


def is_recorded_first(path: Path) -> bool:
    """Write down that the prompt is about to be typed; False if that was written before."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def append(path: Path, line: str) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


def said(deed: Callable[[], object]):
    while True:
        try:
            return deed()
        except BusUnreachable:
            continue


def stopper(folder: Path, step: str, number: int) -> Callable[[str], None]:
    counts: dict[str, int] = {}

    def passed(now: str) -> None:
        counts[now] = counts.get(now, 0) + 1
        if now == step and counts[now] == number:
            (folder / "stopped").touch()
            while True:
                signal.pause()

    return passed


def main(url: str, host: str, folder: str, pool: str, stop: str = ":0") -> None:
    own = Path(folder) / host
    own.mkdir(exist_ok=True)
    queue = said(lambda: NatsQueue(JobServer(url), host, patience=5.0, ack_wait=ACK_WAIT))
    (own / f"ready-{os.getpid()}").touch()
    step, _, number = stop.partition(":")
    work(queue, own, pool, stopper(own, step, int(number)))


if __name__ == "__main__":
    main(*sys.argv[1:])
