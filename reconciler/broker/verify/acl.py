"""Probes of the ACL: users can write and read only what they may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from reconciler.model.broker import Access
from reconciler.ports.bus import Bus, BusRefused, Cause

from .boxes import of_hosts
from .context import ProofContext, logged_in, may, next_payload, parts, present
from .flow import proven
from .probe import Check, Failed, Principal, Skipped, key

_NARROW = "narrow the ACL lines of this user, then reconciler broker reload"


def checks(scene: ProofContext) -> Iterator[Check]:
    """The probes of the ACL; users with unknown rights are skipped."""
    known = [principal for principal in scene.target.principals if principal.grants is not None]
    for principal in known:
        yield from _writing(scene, principal)
    for principal in known:
        if not may(principal, Access.READ, scene.topic):
            yield Check(
                id="read.denied",
                subject=principal.name,
                expected="job events do not reach a user who may not read them",
                fix=_NARROW,
                run=partial(_read_denied, scene, principal),
                needs=(logged_in(principal), *proven(scene)),
            )


def _writing(scene: ProofContext, principal: Principal) -> Iterator[Check]:
    candidates = (scene.topic, scene.outside, *of_hosts(scene, principal))
    topics = [topic for topic in candidates if not may(principal, Access.WRITE, topic)]
    yield Check(
        id="write.denied",
        subject=principal.name,
        expected="what a user may not write is refused with MQTT reason code 135, and is not delivered",
        fix=_NARROW,
        run=partial(_write_denied, scene, principal, topics),
        needs=(logged_in(principal), *proven(scene)),
    )
    if scene.topic in topics:
        yield Check(
            id="write.denied_retained",
            subject=principal.name,
            expected="a refused event is not retained for late subscribers",
            fix=_NARROW,
            run=partial(_not_retained, scene, principal),
            needs=("late.cleared", key("write.denied", principal.name)),
        )


def _write_denied(scene: ProofContext, principal: Principal, topics: list[str]) -> str:
    if not topics:
        raise Skipped("this user may write everywhere")
    with present(scene, principal) as intruder:
        denials = [_was_denied(intruder, topic) for topic in topics]
        if scene.topic in topics:
            _not_delivered(scene, intruder)
    if not all(denials) and scene.topic not in topics:
        raise Skipped("with MQTT 3.1.1, a broker does not report what it refused")
    return "refused with reason code 135" if all(denials) else "accepted, as MQTT 3.1.1 must, but not delivered"


def _was_denied(bus: Bus, topic: str, *, retain: bool = False) -> bool:
    """Whether the broker reported a denial; with MQTT 3.1.1 it never does."""
    try:
        bus.publish(topic, b"denied", retain=retain)
    except BusRefused as error:
        if error.cause is Cause.NOT_AUTHORISED:
            return True
        raise
    if bus.tells_denials:
        raise Failed(f"the broker took an event for {topic}")
    return False


def _not_delivered(scene: ProofContext, intruder: Bus) -> None:
    writer, reader = parts(scene)
    with present(scene, reader) as observer, present(scene, writer) as worker:
        observer.subscribe(scene.topic)
        _was_denied(intruder, scene.topic)
        worker.publish(scene.topic, b"sentinel")
        if next_payload(observer, scene) != b"sentinel":
            raise Failed("the event was delivered")


def _not_retained(scene: ProofContext, principal: Principal) -> str:
    writer, reader = parts(scene)
    with present(scene, writer) as worker, present(scene, principal) as intruder:
        try:
            _was_denied(intruder, scene.topic, retain=True)
            with present(scene, reader) as late:
                late.subscribe(scene.topic)
                worker.publish(scene.topic, b"sentinel")
                if next_payload(late, scene) != b"sentinel":
                    raise Failed("the event was kept")
        finally:
            worker.publish(scene.topic, b"", retain=True)
    return "nothing was kept"


def _read_denied(scene: ProofContext, principal: Principal) -> str:
    writer, reader = parts(scene)
    with (
        present(scene, principal) as eavesdropper,
        present(scene, reader) as observer,
        present(scene, writer) as worker,
    ):
        try:
            eavesdropper.subscribe(scene.topic)
        except BusRefused as error:
            return f"the subscription was refused: {error.detail}"
        observer.subscribe(scene.topic)
        worker.publish(scene.topic, b"event")
        next_payload(observer, scene)
        with suppress(BusRefused):  # its answer comes after all messages that the broker had for this client
            eavesdropper.subscribe(scene.outside)
        if eavesdropper.receive(0):
            raise Failed("an event reached it")
    return "the subscription was taken, but nothing delivered"
