"""Deliver a job to its agent, and follow it until it ends."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import to_builtins
from msgspec.structs import replace

from reconciler.model.delivery import Delivery, DeliveryVerdict, Evidence
from reconciler.model.errors import ReconcilerError
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Accepted, Ending, Happening, Job, Result
from reconciler.model.moment import to_millisecond
from reconciler.ports.bus import Bus
from reconciler.ports.world import World

from .agent_state import Recipient
from .audit import AuditFile, audit_folder, keep
from .deliver import Consent, DeliveryTimeouts, Withdrawn, deliver
from .follow import Follower, follow
from .instructions import instructions, publish_command
from .listen import Followers
from .permission_watcher import PermissionWatcher
from .publish import publish
from .record import NewJob, Records, read
from .transitions import end_job, note_delivery, open_job

_TICK = 0.25


def follow_new_job(records: Records, new: NewJob, bus: Bus) -> tuple[Job, Follower]:
    """Create a job and a follower that gets all its events.

    Raises what `open_job` and `follow` raise. A job that cannot be followed is ended first.
    """
    return follow_opened(records, open_job(records, new), bus)


def follow_opened(records: Records, job: Job, bus: Bus) -> tuple[Job, Follower]:
    """The same for a job that has its record."""
    try:
        return job, follow(records, bus, [job.id])
    except ReconcilerError as error:
        _end(records, job.id, f"it could not be followed: {error.summary}")
        raise


def hand_over(records: Records, job: Job, to: Recipient, world: World, timeouts: DeliveryTimeouts) -> Delivery | None:
    """Deliver the instructions of a job. If they did not arrive, publish an `error` event and end the job.

    None when the job ended before anything was typed, for instance because it was cancelled.
    Raises what `deliver` raises; the job is ended first.
    """
    try:
        consent = Consent(is_wanted=lambda: _is_open(records, job.id))
        delivery = deliver(write_instructions(records, job), to, world, timeouts, consent)
    except Withdrawn:
        return None
    except ReconcilerError as error:
        give_up(records, job.id, f"delivery failed: {error.summary}")
        raise
    if read(records, job.id).seen:  # another follower got an event meanwhile, so the prompt has arrived
        delivery = replace(
            delivery, verdict=DeliveryVerdict.SUBMITTED, evidence=delivery.evidence or Evidence.EVENT, detail=""
        )
    note_delivery(records, job.id, to_builtins(delivery), delivered=delivery.verdict is DeliveryVerdict.SUBMITTED)
    if not delivery.may_have_arrived and _is_open(records, job.id):
        give_up(records, job.id, f"delivery failed: {delivery.verdict}: {delivery.detail}")
    return delivery


def _is_open(records: Records, job_id: str) -> bool:
    return not read(records, job_id).ended


def write_instructions(records: Records, job: Job) -> str:
    """Write the instructions of a job into its audit folder, and return them."""
    text = instructions(job.id, job.prompt, publish_command(job.id, records.folder, records.env))
    keep(
        audit_folder(job, records.env), AuditFile.INSTRUCTIONS, text, records.files, to_millisecond(records.clock.now())
    )
    return text


def give_up(records: Records, job_id: str, why: str) -> None:
    """Publish that a job failed, and end it. If the broker is unreachable, it gets the event later."""
    try:
        publish(records, job_id, EventKind.ERROR, why)
    finally:
        _end(records, job_id, why)


def watch_job(
    records: Records,
    follower: Follower | Followers,
    seconds: float,
    *,
    first: bool = False,
    watcher: PermissionWatcher | None = None,
) -> Iterator[Happening]:
    """Yield each thing that happens until all jobs have ended (with `first`: one of them) or the time is up.

    An event of a job proves its delivery, if nothing else has proved it. Permission dialogs that a `watcher` sees also
    arrive as events. Raises what `Follower.step` raises.
    """
    deadline, count = records.clock.monotonic() + seconds, len(follower.open)
    while follower.open and records.clock.monotonic() < deadline and not (first and len(follower.open) < count):
        for happening in follower.step(_TICK):
            if isinstance(happening, Accepted) and _is_unproved(happening.job):
                _note_proof(records, happening.job.id)
            yield happening
        if watcher:
            watcher.look(follower.open)


def _is_unproved(job: Job) -> bool:
    return job.delivery is not None and job.delivery.get("verdict") == DeliveryVerdict.UNVERIFIED


def _note_proof(records: Records, job_id: str) -> None:
    job = read(records, job_id)
    if _is_unproved(job):
        proved = {
            **(job.delivery or {}),
            "verdict": DeliveryVerdict.SUBMITTED,
            "evidence": Evidence.EVENT,
            "detail": "",
        }
        note_delivery(records, job_id, proved, delivered=True)


def _end(records: Records, job_id: str, why: str) -> None:
    end_job(records, job_id, Result(Ending.ERROR, why, to_millisecond(records.clock.now())))
