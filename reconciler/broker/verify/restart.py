"""Probes that stop and start the broker: made only on request, because all clients lose their connection twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from reconciler.ports.world import Clock

from .context import ProofContext, parts, present
from .probe import Check, Failed, Restarts, Skipped

_PAUSE = 0.02
_MORE = 30  # events after the database was written, so that a kill can lose some
_PATIENCE = 2  # times the patience of the target: the database is written at most once a second
_KEEP = "see persistence and autosave_interval in mosquitto.conf, and whether the disk is full"


def checks(scene: ProofContext, clock: Clock) -> Iterator[Check]:
    """The probes of a restart, if one is allowed."""
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
    """Publish numbered events: the number of the retained one shows how many reached the disk."""
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
    """Publish events before and after a write of the database; returns when each was acknowledged."""
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
    """The payload that a late subscriber gets; empty when it gets none."""
    _, reader = parts(scene)
    with present(scene, reader) as late:
        late.subscribe(scene.topic)
        message = late.receive(scene.target.patience)
    return message.payload if message else b""


@contextmanager
def _cleared(scene: ProofContext) -> Iterator[None]:
    """Delete the retained event after the block."""
    writer, _ = parts(scene)
    try:
        yield
    finally:
        with present(scene, writer) as worker:
            worker.publish(scene.topic, b"", retain=True)
