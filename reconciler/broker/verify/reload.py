"""Probes of a reload: it takes effect, and clients stay connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from reconciler.ports.bus import Bus, BusRefused, Cause
from reconciler.ports.world import Clock

from .context import ProofContext, next_payload, parts, present
from .flow import proven
from .probe import Check, Failed, Skipped, key
from .stored import fit

_PAUSE = 0.02


def checks(scene: ProofContext, clock: Clock) -> Iterator[Check]:
    """The probes of the reload, in order."""
    denied = (key("write.denied", scene.writer.name),) if scene.writer else ()
    yield Check(
        id="reload.effect",
        subject="",
        expected="an ACL line that is added, then removed, takes effect after a reload",
        fix="see in the broker's log that it read its files on SIGHUP: reconciler broker reload",
        run=partial(_effect, scene, clock),
        needs=(*proven(scene), *denied, *fit(scene.target)),
    )
    yield Check(
        id="reload.undisturbed",
        subject="",
        expected="clients stay connected during a reload",
        fix="see in the broker's log why it dropped clients",
        run=partial(_undisturbed, scene, clock),
        needs=("reload.effect",),
    )


def _effect(scene: ProofContext, clock: Clock) -> str:
    writer, _ = parts(scene)
    with present(scene, writer) as worker:
        _reload_twice(scene, clock, worker)
    return "it is"


def _undisturbed(scene: ProofContext, clock: Clock) -> str:
    writer, reader = parts(scene)
    with present(scene, reader) as observer, present(scene, writer) as worker:
        observer.subscribe(scene.topic)
        _reload_twice(scene, clock, worker)
        worker.publish(scene.topic, b"sentinel")
        next_payload(observer, scene)
        if observer.drops or worker.drops:
            raise Failed("a connection was lost")
    return "they do"


def _reload_twice(scene: ProofContext, clock: Clock, worker: Bus) -> None:
    """Allow the writer another topic, then forbid it again; check the effect each time."""
    writer, _ = parts(scene)
    if scene.target.granted is None:
        raise Skipped("this broker cannot be reloaded from here")
    if not worker.tells_denials:
        raise Skipped("with MQTT 3.1.1, a broker does not report what it refused")
    with scene.target.granted(writer.name, scene.outside):
        _await(lambda: _accepted(worker, scene.outside), scene, clock, "the added line is not obeyed")
    _await(lambda: not _accepted(worker, scene.outside), scene, clock, "the line is obeyed after it was taken away")


def _accepted(worker: Bus, topic: str) -> bool:
    try:
        worker.publish(topic, b"reloaded")
    except BusRefused as error:
        if error.cause is Cause.NOT_AUTHORISED:
            return False
        raise
    return True


def _await(condition: Callable[[], bool], scene: ProofContext, clock: Clock, otherwise: str) -> None:
    deadline = clock.monotonic() + scene.target.patience
    while not condition():
        if clock.monotonic() > deadline:
            raise Failed(otherwise)
        clock.wait(_PAUSE)
