"""Jobs that another host does: submit, follow and cancel them here."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.agents.look import declared
from reconciler.app.jobs import background
from reconciler.app.jobs.events import FollowedJobs, JobQueued, JobRegistered, JobReport, SubmitEvent
from reconciler.app.jobs.listing import row_of
from reconciler.app.jobs.queues import expect_pools, name_of_this_host, queue_to_submit
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.jobs.audit import logs_root
from reconciler.jobs.background import expect_ours, follower_of, where_heard
from reconciler.jobs.envelope import BrokenEnvelope, cancel_topic, cancel_wish, envelope_of, packed, unpacked
from reconciler.jobs.follow import Follower, follow
from reconciler.jobs.orders import keep_order, order_of
from reconciler.jobs.outcome import detached_outcome, outcome_of
from reconciler.jobs.record import NewJob, Records, minted, read
from reconciler.jobs.route import route
from reconciler.jobs.submit import follow_opened, watch_job
from reconciler.jobs.transitions import end_job, open_record
from reconciler.model.broker import NATS
from reconciler.model.desired import Desired, JobBackend
from reconciler.model.destination import Destination, destination_of
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import TOPIC_PREFIX, Ending, Job, Result
from reconciler.model.moment import to_millisecond
from reconciler.model.record import Json
from reconciler.ports.bus import BusUnreachable
from reconciler.ports.queue import JobQueue, QueuedJob

_NEWS, _ANSWER = 0.5, 5.0  # seconds to hear what is already known, and for a host to answer a wish


class Errand(Struct, frozen=True):
    """What another host shall do, beside the job itself. `workspace` and `validate` are names there."""

    to: Destination
    workspace: str = ""
    """Where the agent works; empty for any."""
    validate: str = ""
    """A script, relative to the folder that the agent works in."""


def submit_away(
    at: Project, records: Records, new: NewJob, errand: Errand, *, detach: bool
) -> Generator[SubmitEvent, None, None]:
    """Queue a job for another host and follow it to its end unless it is detached; the last event is its `JobReport`.

    Raises:
        UsageError: The prompt is too long to travel, the backend has no pools, or no queue is declared.
        Refused: Others could read the job on its way; or this is a copy of a project.
        Unreachable, ReconcilerError: The queue cannot be used; the job has ended then.
    """
    refuse_copy(at)
    expect_ours(records)
    at.clear_up(records.folder, logs_root(at.env, new.workdir))
    desired = declared(at)
    expect_pools(desired, [errand.to.pool] if errand.to.pool else [])
    block, prefix = _events(at, desired, records)
    addressed = replace(new, broker=block, topic_prefix=prefix, queue=errand.to.queue, validate=errand.validate)
    made = minted(addressed, records.clock)
    envelope = packed(envelope_of(made, name_of_this_host(desired), errand.workspace, errand.validate))
    with closing(queue_to_submit(at, desired)) as queue:
        job, follower = follow_opened(records, open_record(records, made), queue.bus)
        yield JobRegistered(job.id)
        keep_order(records, job.id, envelope)
        _queue(records, queue, QueuedJob(job.id, errand.to, envelope))
        yield JobQueued(job.id, errand.to.queue)
        yield FollowedJobs((job.id,))
        if detach:
            yield _detached(at, follower_of(records, job), job.id, follower)
            return
        yield from watch_job(records, follower, math.inf)
        _withdraw_unclaimed(records, job.id, queue)
    yield FollowedJobs(())
    yield report(records, job.id)


def _events(at: Project, desired: Desired, records: Records) -> tuple[Mapping[str, Json], str]:
    """What the record of a job for another host says about its events, and with what their topics begin."""
    if desired.jobs.backend is JobBackend.NATS:
        return {NATS: desired.jobs.server}, TOPIC_PREFIX
    way = route(broker_of(at, desired), at.env, at.files, records.folder)
    return way.publisher, way.topic_prefix


def report(records: Records, job_id: str) -> JobReport:
    """What is known of a job of another host. Its validation script ran there."""
    job = read(records, job_id)
    return JobReport(row_of(records, job), outcome_of(job))


def _queue(records: Records, queue: JobQueue, job: QueuedJob) -> None:
    """Submit a recorded job; if that fails, end it."""
    try:
        queue.submit(job)
    except ReconcilerError as error:
        _end(records, job.id, Ending.ERROR, f"it could not be queued: {error.summary}")
        raise


def _end(records: Records, job_id: str, ending: Ending, why: str) -> Job:
    return end_job(records, job_id, Result(ending, why, to_millisecond(records.clock.now())))


def _withdraw_unclaimed(records: Records, job_id: str, queue: JobQueue) -> None:
    """Take an ended job back that no host has claimed, so that none will begin it. A queue that is away keeps it."""
    job = read(records, job_id)
    if job.ended and not job.host:
        with suppress(BusUnreachable):
            queue.withdraw(job.id, destination_of(job.queue))


def _detached(at: Project, records: Records, job_id: str, follower: Follower) -> JobReport:
    """Leave the job to the background follower of its broker or queue."""
    background.begin(at, records)
    problem = background.hand_on(at, records, follower, job_id, where_heard(read(records, job_id)))
    job = read(records, job_id)
    return JobReport(row_of(records, job), detached_outcome(job, is_followed=not problem), problem)


# --- later ------------------------------------------------------------------------------------


def cancel_away(at: Project, records: Records, job: Job) -> Job:
    """Take the job back, or ask the host that has it to cancel it, and return it as it ended.

    A host that does not answer within some seconds finds the wish when it is back.

    Raises:
        Unreachable, ReconcilerError: The queue cannot be used; the job stays as it is.
    """
    with closing(queue_to_submit(at, declared(at))) as queue:
        follower = follow(records, queue.bus, [job.id])
        queue.withdraw(job.id, destination_of(job.queue))
        job = _watched(records, follower, job.id, _NEWS)
        host = job.host or destination_of(job.queue).host
        if host and not job.ended:
            wish = cancel_wish(job, to_millisecond(records.clock.now()))
            queue.bus.publish(cancel_topic(job, host), wish, retain=True)
        if job.host:
            job = _watched(records, follower, job.id, _ANSWER)
    silent = f"; {job.host} has not answered yet" if job.host else ""
    return job if job.ended else _end(records, job.id, Ending.CANCELLED, f"cancelled by hand{silent}")


def _watched(records: Records, follower: Follower, job_id: str, seconds: float) -> Job:
    """The job after some seconds, or as soon as it has ended."""
    deque(watch_job(records, follower, seconds), maxlen=0)
    return read(records, job_id)


def queue_again(at: Project, desired: Desired, records: Records, waiting: Sequence[Job]) -> None:
    """Submit jobs again that no host has claimed: the command that recorded them may have been killed before it did.

    A job that is queued already, or done, is not done twice. One that was never ready to be queued is ended.
    """
    with closing(queue_to_submit(at, desired)) as queue:
        for job in waiting:
            if envelope := order_of(records, job.id):
                queue.submit(QueuedJob(job.id, destination_of(job.queue), envelope))
            else:
                _end(records, job.id, Ending.ERROR, "it was never queued: submit it again")


def errand_of(records: Records, old: Job) -> Errand:
    """The errand of a job that was sent away before. Raises Refused if its order is not there any more."""
    try:
        order = unpacked(order_of(records, old.id), old.id)
    except BrokenEnvelope as error:
        fix = "submit it anew: reconciler job submit --host HOST --agent NAME --prompt TEXT"
        raise Refused(f"job {old.id} cannot be tried again: what was sent is not there any more", fix=fix) from error
    return Errand(destination_of(old.queue), order.workdir, order.job.validate)
