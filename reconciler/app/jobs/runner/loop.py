"""Round after round of a runner, until it is stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing

from reconciler.app.agents.look import declared
from reconciler.app.jobs.jobs import permission_watcher_of
from reconciler.app.jobs.queues import expect_pools, name_of_this_host, prefix_of_queue, queue_to_run
from reconciler.app.jobs.runner.claims import claim_next, resume
from reconciler.app.jobs.runner.context import NewsKind, RunnerContext, RunnerNews
from reconciler.app.jobs.runner.deliveries import deliver_next
from reconciler.app.jobs.runner.telling import hear, keep_claims, tell_all
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.project import Project
from reconciler.jobs.background import expect_ours
from reconciler.jobs.follow import Follower
from reconciler.jobs.record import Records
from reconciler.model.desired import Desired
from reconciler.model.errors import LockHeld, ReconcilerError
from reconciler.model.host_topics import cancel
from reconciler.monitor.subscribe import JobRecordCache
from reconciler.ports import lockfile
from reconciler.ports.bus import BusRefused, BusUnreachable
from reconciler.ports.local_bus import LocalBus
from reconciler.ports.queue import JobQueue

_TICK = 0.25
_IDLE_TICK = 2.0  # seconds for which a runner without a job waits for one: a NATS server is asked anew after each wait
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds, while the queue does not answer
_LOCK = ".runner"


def run(at: Project, records: Records, pools: tuple[str, ...], stopping: Callable[[], str]) -> Iterator[RunnerNews]:
    """Do the jobs for this host, and for these pools, until `stopping` says why to end; asked between two rounds.

    Raises:
        LockHeld: Another runner works in this project.
        Refused: The project is a copy, or the queue is not private.
        UsageError: The backend has no pools, a name cannot be used, or no queue is declared.
        Unreachable, ReconcilerError: The queue cannot be used at the start.
    """
    refuse_copy(at)
    expect_ours(records)
    records.files.make_folder(records.folder, 0o700)
    desired = declared(at)
    expect_pools(desired, pools)
    with lockfile.if_free(os.path.join(records.folder, _LOCK)) as free:
        if not free:
            raise LockHeld("another runner works in this project", fix="`pgrep -af 'reconciler.* runner'` shows it")
        with closing(queue_to_run(at, desired)) as queue:
            context = _context(at, records, desired, pools, queue)
            yield RunnerNews(NewsKind.STARTED, detail=_begin(context, desired))
            yield from _rounds(context, stopping)


def _context(at: Project, records: Records, desired: Desired, pools: tuple[str, ...], queue: JobQueue) -> RunnerContext:
    return RunnerContext(
        at=at,
        records=records,
        here=name_of_this_host(desired),
        pools=pools,
        queue=queue,
        follower=Follower(records, LocalBus(records.folder)),
        watcher=permission_watcher_of(at, records),
        cache=JobRecordCache(records),
    )


def _begin(context: RunnerContext, desired: Desired) -> str:
    """Subscribe, and take up what an earlier runner left; what is said about it."""
    context.queue.bus.subscribe(cancel(prefix_of_queue(context.at, desired), context.here))
    resume(context)
    pools = f" and for the pools {', '.join(context.pools)}" if context.pools else ""
    left = f"; {len(context.tasks)} from before" if context.tasks else ""
    return f"jobs for {context.here}{pools}{left}"


def _rounds(context: RunnerContext, stopping: Callable[[], str]) -> Iterator[RunnerNews]:
    pause, next_try = 0.0, 0.0
    while not (reason := stopping()):
        if context.now() < next_try:
            _follow(context, _TICK)
            continue
        try:
            yield from _round(context)
        except ReconcilerError as error:
            pause = min(2 * pause, _LONGEST_PAUSE) if pause else _FIRST_PAUSE
            next_try = context.now() + pause
            what = NewsKind.QUEUE_AWAY if isinstance(error, (BusUnreachable, BusRefused)) else NewsKind.PROBLEM
            yield RunnerNews(what, detail=f"{error.summary}; trying again in {pause:g} s")
        else:
            if pause:
                pause = 0.0
                yield RunnerNews(NewsKind.QUEUE_BACK)
    yield RunnerNews(NewsKind.STOPPED, detail=reason)


def _round(context: RunnerContext) -> Iterator[RunnerNews]:
    yield from claim_next(context, _TICK if context.tasks or context.guards else _IDLE_TICK)
    yield from hear(context)
    yield from keep_claims(context)
    yield from deliver_next(context)
    _follow(context, 0)
    yield from tell_all(context)


def _follow(context: RunnerContext, seconds: float) -> None:
    """Record what the agents said. An agent that asks for a permission says so itself, or its screen does."""
    context.follower.step(seconds)
    context.watcher.look(context.follower.open)
