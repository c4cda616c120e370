"""Tell the other hosts what became of their jobs, keep the claims, and hear which jobs shall be cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from reconciler.app.jobs.runner.context import NewsKind, RunnerContext, RunnerNews, RunnerTask
from reconciler.jobs.envelope import is_cancel_wish
from reconciler.jobs.guard import WHY_SILENT, silent_event
from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import UnknownJob, read
from reconciler.jobs.taken import last_event, note_done, tell, told, why_dead
from reconciler.jobs.validation import conclude
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import JOB_ID, Ending, Job
from reconciler.ports.bus import Message

_HEARTBEAT = 10.0  # seconds; a third of the time after which a claim is lost
_CANCELS = "/cancels/"


def tell_all(context: RunnerContext) -> Iterator[RunnerNews]:
    """Send on what the agents said, and the end of each job that has ended. What was not sent is sent again."""
    for task, job in context.taken():
        tell(context.records, job, context.queue.bus)
        if job.ended:
            yield from _end(context, task, job)


def _end(context: RunnerContext, task: RunnerTask, job: Job) -> Iterator[RunnerNews]:
    """Check the result, tell the end, and give the claim back; the record says that it was done, last of all."""
    why = why_dead(job)
    if not why:
        try:
            conclude(context.records, job.id, context.world().tmux)
        except ReconcilerError as error:  # the end is told all the same
            yield RunnerNews(NewsKind.PROBLEM, job.id, f"could not be finished: {error.summary}")
        job = read(context.records, job.id)
    last = last_event(context.records, job)
    if why:
        context.queue.bus.publish(last.topic, last.payload, retain=True)
        context.queue.dead_letter(task.claim, why)
    else:
        context.queue.finish(task.claim, last)
    note_done(context.records, job.id)
    del context.tasks[job.id]
    context.next_look = 0.0
    yield RunnerNews(NewsKind.DEAD_LETTER, job.id, why) if why else RunnerNews(NewsKind.ENDED, job.id, job.status)


def keep_claims(context: RunnerContext) -> Iterator[RunnerNews]:
    """Say for each claim that this host still has it; end the guards of jobs about which nobody says anything."""
    now = context.now()
    for task in context.tasks.values():
        if now >= task.next_heartbeat:
            task.next_heartbeat = now + _HEARTBEAT
            context.queue.heartbeat(task.claim)
    for guard in list(context.guards.values()):
        if now >= guard.deadline:
            last = silent_event(guard.job, context.records.clock.now())
            context.queue.bus.publish(last.topic, last.payload, retain=True)
            context.queue.dead_letter(guard.claim, WHY_SILENT)
            del context.guards[guard.job.id]
            yield RunnerNews(NewsKind.DEAD_LETTER, guard.job.id, WHY_SILENT)
        elif now >= guard.next_heartbeat:
            guard.next_heartbeat = now + _HEARTBEAT
            context.queue.heartbeat(guard.claim)


def hear(context: RunnerContext) -> Iterator[RunnerNews]:
    """Take the messages that came: wishes to cancel, and events of jobs that other hosts began."""
    while message := context.queue.bus.receive(0):
        if _CANCELS in message.topic:
            yield from _cancel(context, message)
        else:
            yield from _guarded(context, message)


def _guarded(context: RunnerContext, message: Message) -> Iterator[RunnerNews]:
    guard = next((each for each in context.guards.values() if each.job.topic == message.topic), None)
    if guard and guard.hear(message, context.records.clock.now(), context.now()):
        context.queue.finish(guard.claim, message)
        del context.guards[guard.job.id]
        yield RunnerNews(NewsKind.ENDED, guard.job.id, "on another host")


def _cancel(context: RunnerContext, message: Message) -> Iterator[RunnerNews]:
    """Obey a wish, or tell again how the job has ended; then the wish is taken away."""
    job_id = message.topic.rpartition("/")[2]
    job = _recorded(context, job_id) if message.payload and JOB_ID.fullmatch(job_id) else None
    if job and job.origin and is_cancel_wish(message.payload, job):
        if not job.ended:
            context.end(job.id, Ending.CANCELLED, f"cancelled on {job.origin}")
            yield RunnerNews(NewsKind.CANCELLED, job.id, f"by {job.origin}; its agent may still be working")
        elif told(context.records, job.id).done:
            last = last_event(context.records, job)
            context.queue.bus.publish(last.topic, last.payload, retain=True)
    if message.payload:
        context.queue.bus.publish(message.topic, b"", retain=True)


def _recorded(context: RunnerContext, job_id: str) -> Job | None:
    with suppress(UnknownJob, RecordUnreadable):
        return read(context.records, job_id)
    return None
