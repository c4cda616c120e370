"""Probes of the event flow: events arrive once and in order, and a late subscriber gets the last one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reconciler.model.broker import Access

from .context import ProofContext, logged_in, may, next_payload, parts, present
from .probe import Check, Failed, Principal, key

_GRANT = "check that the ACL lets the first user write and the second read the job events"
_RETAIN = "set retain_available true"


def checks(scene: ProofContext) -> Iterator[Check]:
    """The probes of the flow, in order."""
    yield from _orders(scene)
    yield Check(
        id="late.retained",
        subject="",
        expected="a late subscriber gets the last event",
        fix=_RETAIN,
        run=partial(_retained, scene),
        needs=proven(scene),
    )
    yield Check(
        id="late.cleared",
        subject="",
        expected="an empty event removes it",
        fix=_RETAIN,
        run=partial(_cleared, scene),
        needs=("late.retained",),
    )


def proven(scene: ProofContext) -> tuple[str, ...]:
    """The key of the check that messages of the writer reach the reader."""
    writer, reader = scene.writer, scene.reader
    return (key("flow.order", _pair(writer, reader) if writer and reader else ""),)


def _orders(scene: ProofContext) -> Iterator[Check]:
    """Checks in which every user who may write and every user who may read takes part."""
    expected = "started and completed arrive once, in this order"
    if scene.writer is None or scene.reader is None:
        yield Check(id="flow.order", subject="", expected=expected, fix=_GRANT, run=partial(_order_of_parts, scene))
        return
    known = [each for each in scene.target.principals if not each.locked]
    readers = [each for each in known if may(each, Access.READ, scene.topic)]
    writers = [each for each in known if may(each, Access.WRITE, scene.topic)]
    pairs = [(scene.writer, reader) for reader in readers] + [(writer, scene.reader) for writer in writers[1:]]
    for writer, reader in pairs:
        run = partial(_order, scene, writer, reader)
        needs = (logged_in(writer), logged_in(reader))
        yield Check(id="flow.order", subject=_pair(writer, reader), expected=expected, fix=_GRANT, run=run, needs=needs)


def _pair(writer: Principal, reader: Principal) -> str:
    return f"{writer.name} to {reader.name}"


def _order_of_parts(scene: ProofContext) -> str:
    return _order(scene, *parts(scene))


def _order(scene: ProofContext, writer: Principal, reader: Principal) -> str:
    sent = [b"started", b"completed", b"end"]
    with present(scene, reader) as observer, present(scene, writer) as worker:
        observer.subscribe(scene.topic)
        for payload in sent:
            worker.publish(scene.topic, payload)
        seen = [next_payload(observer, scene) for _ in sent]
    if seen != sent:
        raise Failed(f"arrived: {', '.join(map(repr, seen))}")
    return "they do"


def _retained(scene: ProofContext) -> str:
    writer, reader = parts(scene)
    with present(scene, writer) as worker:
        try:
            worker.publish(scene.topic, b"completed", retain=True)
            with present(scene, reader) as late:
                late.subscribe(scene.topic)
                message = late.receive(scene.target.patience)
        finally:
            worker.publish(scene.topic, b"", retain=True)
    if message is None or not message.retained:
        raise Failed("nothing was kept")
    return "it does"


def _cleared(scene: ProofContext) -> str:
    writer, reader = parts(scene)
    with present(scene, writer) as worker:
        worker.publish(scene.topic, b"completed", retain=True)
        worker.publish(scene.topic, b"", retain=True)
        with present(scene, reader) as late:
            late.subscribe(scene.topic)
            worker.publish(scene.topic, b"sentinel")
            if next_payload(late, scene) != b"sentinel":
                raise Failed("it is still kept")
    return "it does"
