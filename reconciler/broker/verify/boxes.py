"""Probes of the jobs for other hosts: each runner gets those of its own host, and no user those of another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from reconciler.model.broker import Access
from reconciler.model.host_topics import box, cancel, dead
from reconciler.ports.bus import Bus, BusRefused

from .context import ProofContext, logged_in, may, next_payload, present
from .probe import Check, Failed, Principal, Skipped

_KINDS = (box, cancel, dead)


def checks(scene: ProofContext) -> Iterator[Check]:
    """The probes of the boxes; none without a runner, and users with unknown rights are skipped."""
    if not scene.jobs_prefix:
        return
    known = [principal for principal in scene.target.principals if principal.grants is not None]
    for principal in known:
        if principal.name in scene.target.runners:
            yield _own(scene, principal)
    for principal in known:
        if topics := [topic for topic in of_hosts(scene, principal) if not may(principal, Access.READ, topic)]:
            yield _denied(scene, principal, topics)


def of_hosts(scene: ProofContext, principal: Principal) -> tuple[str, ...]:
    """Topics of a host without a runner, of another runner, and of the dead letters of this one."""
    if not scene.jobs_prefix:
        return ()
    others = [name for name in scene.target.runners if name != principal.name][:1]
    own = (dead(scene.jobs_prefix, principal.name, scene.no_job),) if principal.name in scene.target.runners else ()
    hosts = (scene.no_host, *others)
    return (*(kind(scene.jobs_prefix, host, scene.no_job) for host in hosts for kind in _KINDS), *own)


def _own(scene: ProofContext, runner: Principal) -> Check:
    return Check(
        id="box.own",
        subject=runner.name,
        expected="a runner gets a job for its host, and empties its box",
        fix="let this user read and write the boxes of its host; see the role runner",
        run=partial(_got_and_emptied, scene, runner),
        needs=(logged_in(runner),),
    )


def _denied(scene: ProofContext, principal: Principal, topics: list[str]) -> Check:
    return Check(
        id="box.denied",
        subject=principal.name,
        expected="jobs for other hosts do not reach a user who may not read them",
        fix="narrow the ACL lines of this user, then reconciler broker reload",
        run=partial(_not_read, scene, principal, topics),
        needs=(logged_in(principal),),
    )


def _got_and_emptied(scene: ProofContext, runner: Principal) -> str:
    topic = box(scene.jobs_prefix, runner.name, scene.no_job)
    with present(scene, _sender(scene, topic) or runner) as sender, present(scene, runner) as host:
        try:
            sender.publish(topic, b"job", retain=True)
            host.subscribe(topic)
            _expect(host, scene, b"job", "the job did not arrive")
            host.publish(topic, b"", retain=True)
            _expect(host, scene, b"", "the box was not emptied")
            host.subscribe(topic)  # the broker sends what it still keeps
            host.publish(topic, b"sentinel")
            _expect(host, scene, b"sentinel", "the box is still full")
        finally:
            sender.publish(topic, b"", retain=True)
    return "it does"


def _not_read(scene: ProofContext, principal: Principal, topics: list[str]) -> str:
    senders = {topic: sender for topic in topics if (sender := _sender(scene, topic))}
    if not senders:
        raise Skipped("no user is known who may write and read jobs for other hosts")
    with present(scene, principal) as eavesdropper:
        for topic in senders:
            with suppress(BusRefused):  # some brokers refuse the subscription
                eavesdropper.subscribe(topic)
        for topic, sender in senders.items():
            _send(scene, sender, topic)
        with suppress(BusRefused):  # its answer comes after all messages that the broker had for this client
            eavesdropper.subscribe(scene.outside)
        if message := eavesdropper.receive(0):
            raise Failed(f"it got a message on {message.topic}")
    return "nothing was delivered"


def _send(scene: ProofContext, sender: Principal, topic: str) -> None:
    """Send a message that everybody gets who may read it."""
    with present(scene, sender) as other:
        other.subscribe(topic)
        other.publish(topic, b"job")
        next_payload(other, scene)


def _sender(scene: ProofContext, topic: str) -> Principal | None:
    """A user who may write and read the topic; None when none is known."""
    known = (each for each in scene.target.principals if not each.locked)
    return next((e for e in known if may(e, Access.WRITE, topic) and may(e, Access.READ, topic)), None)


def _expect(bus: Bus, scene: ProofContext, payload: bytes, otherwise: str) -> None:
    message = bus.receive(scene.target.patience)
    if message is None or message.payload != payload:
        raise Failed(otherwise)
