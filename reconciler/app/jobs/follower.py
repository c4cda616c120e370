"""The background follower itself: follow every open job of one broker or queue until none is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from reconciler.app.agents.look import look
from reconciler.app.jobs import jobs
from reconciler.app.jobs.events import BrokerUnavailable, ConclusionFailed, FollowerEvent, ListeningStarted
from reconciler.app.jobs.queues import bus_of_queue
from reconciler.app.project.project import Project
from reconciler.jobs import background
from reconciler.jobs.background import expect_ours
from reconciler.jobs.follow import Follower
from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import Records, UnknownJob, read
from reconciler.jobs.submit import watch_job
from reconciler.jobs.validation import conclude
from reconciler.model.broker import BrokerWarning
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Ended
from reconciler.ports import lockfile
from reconciler.ports.bus import Bus, BusUnreachable
from reconciler.ports.buses import open_bus

_LOOK_AGAIN = 1.0  # seconds between two looks for new jobs
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


def serve(at: Project, records: Records) -> Iterator[FollowerEvent]:
    """Follow all open jobs, unless another follower runs; wait for a broker that cannot be reached."""
    expect_ours(records)
    context = jobs.JobContext(at, look(at, everyone=False), records)
    yield from jobs.unseen_checks(at)
    ear = _ear(context)
    yield from ear.warnings
    pause = _FIRST_PAUSE
    while True:
        try:
            with lockfile.if_free(background.folder_of(records)) as free:
                if not free:
                    return
                yield from _work(context, ear)
        except BusUnreachable as error:
            yield BrokerUnavailable(error.summary, pause)
            at.clock.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        # checked after the lock is released: a new job may have come while the last one ended
        if not background.waits(records, ear.address):
            return


class _Ear(NamedTuple):
    """Where the follower listens, and how."""

    address: str
    opened: Callable[[], AbstractContextManager[Bus]]
    warnings: tuple[BrokerWarning, ...] = ()


def _ear(context: jobs.JobContext) -> _Ear:
    if context.records.follower == background.QUEUE:
        desired = context.seen.desired
        return _Ear(desired.jobs.server, partial(bus_of_queue, context.at, desired))
    way = jobs.route_of(context).follower
    return _Ear(background.address_of(way), lambda: closing(open_bus(way)), tuple(jobs.warnings_of(way)))


def _work(context: jobs.JobContext, ear: _Ear) -> Iterator[FollowerEvent]:
    """Finish the jobs that a killed follower left, then follow the open ones."""
    left = background.noted_follower(context.records)
    for job_id in left.jobs if left else ():
        with suppress(UnknownJob, RecordUnreadable):
            if read(context.records, job_id).ended:
                yield from _conclude(context, job_id)
    if background.waits(context.records, ear.address):
        yield from _follow_all(context, ear)
    background.leave(context.records)


def _follow_all(context: jobs.JobContext, ear: _Ear) -> Iterator[FollowerEvent]:
    at, records = context.at, context.records
    state = background.myself(ear.address, at.root, at.registry_path, at.processes)
    known: set[str] = set()
    watcher = jobs.permission_watcher_of(at, records)
    with ear.opened() as bus:
        yield ListeningStarted(state.broker, records.folder)
        follower = Follower(records, bus)
        while True:
            with suppress(BusUnreachable):  # the connection is restored later, and the rest is done then
                background.take_up(records, follower, state.broker, known)
            if not follower.open:
                break
            if follower.open != state.jobs:
                state = replace(state, jobs=follower.open)
                background.note(records, state)
            for happening in watch_job(records, follower, _LOOK_AGAIN, watcher=watcher):
                yield happening
                if isinstance(happening, Ended):
                    yield from _conclude(context, happening.job.id)


def _conclude(context: jobs.JobContext, job_id: str) -> Iterator[FollowerEvent]:
    """Finish a job that has ended; an error must not stop the follower, which has other jobs."""
    try:
        conclude(context.records, job_id, context.world.tmux)
    except ReconcilerError as error:
        yield ConclusionFailed(job_id, error.summary)
