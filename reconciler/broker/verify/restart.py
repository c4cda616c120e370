"""Probes that end the broker and start it again: made on request only, as everybody is cut off twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from reconciler.ports.world import Clock

from .context import ProofContext, parts, present
from .probe import Check, Failed, Restarts, Skipped

_PAUSE = 0.02
_MORE = 30  # events after the database was written, so that a kill has something to take
_PATIENCE = 2  # times that of the target: the database is written once a second at most
_KEEP = "see persistence and autosave_interval in mosquitto.conf, and whether the disk is full"


def checks(scene: ProofContext, clock: Clock) -> Iterator[Check]:
    """The probes of a restart, where one is allowed."""
    restarts = scene.target.restarts
    if restarts is None:
        return
    yield Check(
        id="restart.retained",
        subject="",
        expected="the last event outlives a stop and a start",
        fix=_KEEP,
        run=partial(_retained, scene, restarts),
        needs=("late.cleared",),
    )
    yield Check(
        id="restart.loss",
        subject="",
        expected="what was written to the disk outlives kill -9, and what is lost of the rest is known",
        fix=_KEEP,
        run=partial(_loss, scene, restarts, clock),
        needs=("restart.retained",),
    )


def _retained(scene: ProofContext, restarts: Restarts) -> str:
    if not restarts.persistent:
        raise Skipped("its settings say `persistence: false`: it keeps nothing")
    writer, _ = parts(scene)
    with _cleared(scene):
        with present(scene, writer) as worker:
            worker.publish(scene.topic, b"completed", retain=True)
        restarts.gently()
        if _kept(scene) != b"completed":
            raise Failed("nothing was kept")
    return "it does"


def _loss(scene: ProofContext, restarts: Restarts, clock: Clock) -> str:
    """Number the events of one topic: the one that is kept tells how far they reached the disk."""
    with _cleared(scene):
        moments = _published(scene, restarts, clock)
        killed = clock.monotonic()
        restarts.by_force()
        kept = _kept(scene)
    if not kept:
        raise Failed(f"all {len(moments)} events, those of the last {killed - moments[0]:.2f} s, are lost")
    lost = moments[int(kept) + 1 :]
    window = killed - lost[0] if lost else 0
    return f"{len(lost)} of {len(moments)} events are lost, those of the last {window:.2f} s"


def _published(scene: ProofContext, restarts: Restarts, clock: Clock) -> list[float]:
    """When each event was acknowledged, the first of them before the database was written, the last ones after."""
    writer, _ = parts(scene)
    moments: list[float] = []
    with present(scene, writer) as worker:

        def publish() -> None:
            worker.publish(scene.topic, str(len(moments)).encode(), retain=True)
            moments.append(clock.monotonic())
            clock.wait(_PAUSE)

        publish()
        before, deadline = restarts.written(), clock.monotonic() + _PATIENCE * scene.target.patience
        while restarts.written() == before:
            if clock.monotonic() > deadline:
                raise Failed(f"the database was not written within {_PATIENCE * scene.target.patience:g} s")
            publish()
        for _ in range(_MORE):
            publish()
    return moments


def _kept(scene: ProofContext) -> bytes:
    """What waits for an observer that comes late; empty when nothing does."""
    _, reader = parts(scene)
    with present(scene, reader) as late:
        late.subscribe(scene.topic)
        message = late.receive(scene.target.patience)
    return message.payload if message else b""


@contextmanager
def _cleared(scene: ProofContext) -> Iterator[None]:
    """Leave nothing that is kept."""
    writer, _ = parts(scene)
    try:
        yield
    finally:
        with present(scene, writer) as worker:
            worker.publish(scene.topic, b"", retain=True)
