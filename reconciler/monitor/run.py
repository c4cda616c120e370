"""The loop: a pass, tell, wait; until a policy or a sink ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass

from .passes import Passes, PassResult
from .sink import Sink, SinkFailed
from .trigger import PassTrigger

INTERVAL, CROWDED_INTERVAL, CROWD = 30.0, 60.0, 5


class LoopPolicy(Protocol):
    """What is done before and after each pass, when the next one is due, and whether the loop ends."""

    def before(self) -> None:
        """A pass is about to begin."""

    def after(self, seen: Pass) -> None:
        """A pass was told."""

    def due(self) -> float:
        """Seconds until the next pass at the latest."""

    def reason(self) -> str:
        """Why it is time to end; mostly empty."""


class LoopOptions(Struct, frozen=True):
    """How long the loop waits between passes, what ends it, and who is told of problems.

    `interval` is in seconds, 0 for the usual: 30, and 60 where a workspace has five agents.
    """

    interval: float
    policies: Sequence[LoopPolicy]
    warn: Callable[[str], None]

    @property
    def reason(self) -> str:
        """Why it is time to end; mostly empty."""
        return next((reason for policy in self.policies if (reason := policy.reason())), "")


def watch(passes: Passes, trigger: PassTrigger, sinks: Sequence[Sink], options: LoopOptions) -> str:
    """One pass after the other; the answer is why it ended."""
    while True:
        for policy in options.policies:
            policy.before()
        result = passes.next()
        reason = tell_sinks(passes, result.seen, sinks, options.warn)
        for policy in options.policies:
            policy.after(result.seen)
        if reason := reason or options.reason:
            return reason
        if result.look:
            trigger.listen(result.look.paths, result.look.server)
        trigger.wait(_due(result, options), result.seen.seconds)
        if reason := options.reason:
            return reason


def tell_sinks(passes: Passes, seen: Pass, sinks: Sequence[Sink], warn: Callable[[str], None]) -> str:
    """Tell a pass to everybody, and strike it off; the answer is the first reason to stop."""
    reasons = [_tell(sink, seen, warn) for sink in sinks]
    if seen.news:
        try:
            passes.confirm()
        except ReconcilerError as error:
            warn(f"{error.summary}: {error.detail}")
    return next(filter(None, reasons), "")


def _tell(sink: Sink, seen: Pass, warn: Callable[[str], None]) -> str:
    try:
        return sink.tell(seen)
    except SinkFailed as error:
        warn(f"{sink.name}: {error.summary}")
        return ""


def _due(result: PassResult, options: LoopOptions) -> float:
    interval = options.interval or _usual(result.seen)
    return min(interval, result.again or interval, *(policy.due() for policy in options.policies))


def _usual(seen: Pass) -> float:
    crowds = Counter(agent.address.workspace for agent in seen.agents if agent.live == "alive")
    return CROWDED_INTERVAL if max(crowds.values(), default=0) >= CROWD else INTERVAL
