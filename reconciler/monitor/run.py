"""The loop: a pass, tell, wait; until somebody says stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass

from .loop import Passes, Step
from .sink import Sink, SinkFailed
from .wake import Wake

INTERVAL, CROWDED_INTERVAL, CROWD = 30.0, 60.0, 5


class Clause(Protocol):
    """Something that goes along with the passes, and may end them."""

    def before(self) -> None:
        """A pass is about to begin."""

    def after(self, seen: Pass) -> None:
        """A pass was told."""

    def due(self) -> float:
        """Seconds until the next pass at the latest."""

    def reason(self) -> str:
        """Why it is time to end; mostly empty."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How long is waited between passes, and why they end.

    `interval` is in seconds, 0 for the usual: 30, and 60 where a workspace has five agents.
    """

    interval: float
    clauses: Sequence[Clause]
    complain: Callable[[str], None]

    @property
    def reason(self) -> str:
        """Why it is time to end; mostly empty."""
        return next((reason for clause in self.clauses if (reason := clause.reason())), "")


def watch(passes: Passes, wake: Wake, sinks: Sequence[Sink], rhythm: Rhythm) -> str:
    """One pass after the other; the answer is why it ended."""
    while True:
        for clause in rhythm.clauses:
            clause.before()
        step = passes.next()
        reason = told(passes, step.seen, sinks, rhythm.complain)
        for clause in rhythm.clauses:
            clause.after(step.seen)
        if reason := reason or rhythm.reason:
            return reason
        if step.look:
            wake.listen(step.look.places, step.look.server)
        wake.wait(_due(step, rhythm), step.seen.seconds)
        if reason := rhythm.reason:
            return reason


def told(passes: Passes, seen: Pass, sinks: Sequence[Sink], complain: Callable[[str], None]) -> str:
    """Tell a pass to everybody, and strike it off; the answer is the first reason to stop."""
    reasons = [_tell(sink, seen, complain) for sink in sinks]
    if seen.news:
        try:
            passes.confirm()
        except ReconcilerError as error:
            complain(f"{error.summary}: {error.detail}")
    return next(filter(None, reasons), "")


def _tell(sink: Sink, seen: Pass, complain: Callable[[str], None]) -> str:
    try:
        return sink.tell(seen)
    except SinkFailed as error:
        complain(f"{sink.name}: {error.summary}")
        return ""


def _due(step: Step, rhythm: Rhythm) -> float:
    interval = rhythm.interval or _usual(step.seen)
    return min(interval, step.again or interval, *(clause.due() for clause in rhythm.clauses))


def _usual(seen: Pass) -> float:
    crowds = Counter(agent.address.workspace for agent in seen.agents if agent.live == "alive")
    return CROWDED_INTERVAL if max(crowds.values(), default=0) >= CROWD else INTERVAL
