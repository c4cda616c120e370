"""The loop of the monitor: make a pass, report, wait, until a policy or a sink ends it."""

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
    """Decides what happens before and after each pass, when the next pass is due, and when the loop ends."""

    def before(self) -> None:
        """Called before each pass."""

    def after(self, seen: Pass) -> None:
        """Called after a pass was reported."""

    def due(self) -> float:
        """Seconds until the next pass must start."""

    def reason(self) -> str:
        """Why the loop should end; usually empty."""


class LoopOptions(Struct, frozen=True):
    """How long the loop waits between passes, what ends it, and where problems go.

    `interval` is in seconds. 0 is the default: 30, or 60 if a workspace has five agents.
    """

    interval: float
    policies: Sequence[LoopPolicy]
    warn: Callable[[str], None]

    @property
    def reason(self) -> str:
        """Why the loop should end; usually empty."""
        return next((reason for policy in self.policies if (reason := policy.reason())), "")


def watch(passes: Passes, trigger: PassTrigger, sinks: Sequence[Sink], options: LoopOptions) -> str:
    """Make pass after pass. Returns why the loop ended."""
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
            trigger.listen(result.look.paths, {result.look.socket: result.look.server})
        trigger.wait(due(result, options), result.seen.seconds)
        if reason := options.reason:
            return reason


def tell_sinks(passes: Passes, seen: Pass, sinks: Sequence[Sink], warn: Callable[[str], None]) -> str:
    """Report a pass to all sinks, and mark it as reported. Returns the first sink's reason to stop; else empty."""
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


def due(result: PassResult, options: LoopOptions) -> float:
    """Seconds until the pass after this one."""
    interval = options.interval or _usual(result.seen)
    return min(interval, result.again or interval, *(policy.due() for policy in options.policies))


def _usual(seen: Pass) -> float:
    crowds = Counter(agent.address.workspace for agent in seen.agents if agent.live == "alive")
    return CROWDED_INTERVAL if max(crowds.values(), default=0) >= CROWD else INTERVAL
