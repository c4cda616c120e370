"""One try to give a claimed job to its agent: its prompt is typed at most once, whatever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import to_builtins
from msgspec.structs import replace

from reconciler.model.delivery import Delivery, DeliveryVerdict, Evidence
from reconciler.model.job import Ending, Job, Result
from reconciler.model.moment import to_millisecond
from reconciler.ports.world import World

from .agent_state import Recipient
from .deliver import Consent, DeliveryTimeouts, Withdrawn, deliver
from .record import Records, read, update
from .submit import write_instructions
from .taken import has_spoken
from .transitions import end_job, note_delivery

_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 300.0  # seconds
_LATER = frozenset({DeliveryVerdict.REFUSED_BUSY, DeliveryVerdict.REFUSED_DIALOG})
_BEGUN = Delivery(DeliveryVerdict.UNVERIFIED, detail="the runner ended while the prompt was being typed")


def attempt(records: Records, job: Job, to: Recipient, world: World, may_begin: Callable[[], bool]) -> Delivery | None:
    """Give the job to its agent if that is idle now; None if it is no longer wanted, or may not be typed here.

    `may_begin` is asked last, right before the prompt is typed. Its record then says `unverified`, until this ends:
    a runner that is killed in between never types the prompt again. While the agent is busy or asks something, nothing
    is recorded, and a later attempt may succeed. If nothing was typed and never will be, the job is ended.

    Raises what `deliver` raises; nothing was typed then.
    """
    consent = Consent(lambda: not read(records, job.id).ended, lambda: may_begin() and _note_begin(records, job.id))
    try:
        delivery = deliver(write_instructions(records, job), to, world, DeliveryTimeouts(), consent)
    except Withdrawn:
        return None
    if delivery.verdict in _LATER:
        update(records, job.id, lambda job: replace(job, delivery=None))
        return delivery
    if has_spoken(read(records, job.id)):
        proof = delivery.evidence or Evidence.EVENT
        delivery = replace(delivery, verdict=DeliveryVerdict.SUBMITTED, evidence=proof, detail="")
    note_delivery(records, job.id, to_builtins(delivery), delivered=delivery.verdict is DeliveryVerdict.SUBMITTED)
    if is_hopeless(delivery):
        why = f"delivery failed: {delivery.verdict}: {delivery.detail}"
        end_job(records, job.id, Result(Ending.ERROR, why, to_millisecond(records.clock.now())))
    return delivery


def is_later(delivery: Delivery) -> bool:
    """Whether nothing was typed, and another attempt may succeed."""
    return delivery.verdict in _LATER


def is_hopeless(delivery: Delivery) -> bool:
    """Whether nothing was typed, and no other attempt would succeed."""
    return not (
        delivery.may_have_arrived or is_later(delivery) or delivery.verdict is DeliveryVerdict.TYPED_NOT_SUBMITTED
    )


def pause_after(attempts: int) -> float:
    """The seconds until the next attempt."""
    return min(_FIRST_PAUSE * 2.0 ** (attempts - 1), _LONGEST_PAUSE)


def _note_begin(records: Records, job_id: str) -> bool:
    """Note on disk that the prompt may have been typed."""
    update(records, job_id, lambda job: replace(job, delivery=to_builtins(_BEGUN)))
    return True
