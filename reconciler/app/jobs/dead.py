"""Jobs of other hosts that nobody will do: list them, try them again, forget them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from msgspec import Struct

from reconciler.app.agents.look import declared
from reconciler.app.jobs.away import Errand, submit_away
from reconciler.app.jobs.events import JobQueued, SubmitEvent
from reconciler.app.jobs.queues import queue_to_submit
from reconciler.app.project.project import Project
from reconciler.jobs.envelope import BrokenEnvelope, Envelope, unpacked
from reconciler.jobs.record import NewJob, Records
from reconciler.model.errors import Refused, UsageError
from reconciler.ports.queue import DeadLetter, JobQueue


class DeadJob(Struct, frozen=True):
    """A dead letter, and what is in it; None if it cannot be read."""

    letter: DeadLetter
    envelope: Envelope | None


def dead_jobs(at: Project) -> tuple[DeadJob, ...]:
    """All dead letters, the oldest first. Raises as `queue_to_submit`."""
    with closing(queue_to_submit(at, declared(at))) as queue:
        return tuple(DeadJob(letter, _envelope(letter)) for letter in queue.dead_letters())


def drop(at: Project, job_id: str) -> None:
    """Forget a dead letter. Raises UsageError if there is none of this job."""
    with closing(queue_to_submit(at, declared(at))) as queue:
        queue.drop(_letter(queue, job_id))


def retry(at: Project, records: Records, job_id: str, *, detach: bool) -> Generator[SubmitEvent, None, None]:
    """Submit the job of a dead letter again, as a new job; the letter is dropped once that is queued.

    Raises:
        UsageError: No dead letter has this id.
        Refused: It cannot be read.
    """
    with closing(queue_to_submit(at, declared(at))) as queue:
        letter = _letter(queue, job_id)
    envelope = _envelope(letter)
    if envelope is None:
        fix = f"forget it: reconciler job dead drop {job_id}"
        raise Refused(f"the dead letter of job {job_id} cannot be read", fix=fix)
    order = envelope.job
    new = NewJob(
        prompt=order.prompt,
        agent=order.agent,
        agent_session="",
        workdir=at.root,
        timeout=order.timeout,
        idle_timeout=order.idle_timeout,
        retry_of=order.id,
        retries=order.retries + 1,
    )
    errand = Errand(letter.to, envelope.workdir, order.validate)
    for event in submit_away(at, records, new, errand, detach=detach):
        yield event
        if isinstance(event, JobQueued):
            drop(at, job_id)


def _letter(queue: JobQueue, job_id: str) -> DeadLetter:
    found = next((letter for letter in queue.dead_letters() if letter.id == job_id), None)
    if found is None:
        raise UsageError(f"there is no dead letter of job {job_id}", fix="list them: reconciler job dead list")
    return found


def _envelope(letter: DeadLetter) -> Envelope | None:
    try:
        return unpacked(letter.envelope, letter.id)
    except BrokenEnvelope:
        return None
