"""Watch a project until asked to stop."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO, TypeAlias

from msgspec import Struct

from reconciler.app.monitor.events import MonitorEnded, MonitorEvent, MonitorProblem
from reconciler.app.monitor.observer import ProjectObserver
from reconciler.app.monitor.subscription import SubscriptionOptions, subscribe
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.fences import MONITOR_STATE, fence_monitor
from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.model.desired import Socket
from reconciler.model.errors import LockHeld
from reconciler.model.observed import Present
from reconciler.model.watch import Pass
from reconciler.monitor.passes import PassContext, Passes
from reconciler.monitor.run import LoopOptions, LoopPolicy, tell_sinks, watch
from reconciler.monitor.sink import Sink
from reconciler.monitor.sinks.catalogue import SinkOptions, sinks
from reconciler.monitor.sinks.context import SinkContext
from reconciler.monitor.state_folder import StateFolder
from reconciler.monitor.subscribe import JobRecordCache
from reconciler.monitor.trigger import PassTrigger
from reconciler.ports.tmux import RealTmux, ServerEvents
from reconciler.ports.world import Clock
from reconciler.state.lock import Lock, describe_holder, hold, status


class MonitorOptions(Struct, frozen=True):
    """How a project is watched; durations are in seconds, 0 for none."""

    dry_run: bool = False
    interval: float = 0.0
    timeout: float = 0.0
    subscription: SubscriptionOptions | None = None
    sinks: SinkOptions = field(default_factory=SinkOptions)


class MonitorOutput(Struct, frozen=True):
    """Where a monitor reports: passes go to `sink` and to the sinks of its options, other events to `report`.

    `terminal` gets the warnings of the other sinks, and notifications that the desktop does not show.
    """

    sink: Sink
    report: Callable[[MonitorEvent], None]
    terminal: TextIO


@dataclass(slots=True)
class StopRequest:
    """Whether a monitor should end after its pass, and why; a signal handler or another thread may set it."""

    reason: str = ""


Stopping: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[StopRequest]]
"""A context manager around all passes; it gets the function that wakes a waiting monitor."""


def look_once(at: Project, options: MonitorOptions, output: MonitorOutput) -> bool:
    """Make one pass. Returns whether everything could be looked at.

    Raises:
        LockHeld: Another command is changing the project.
    """
    observer, passes = observe_project(at, options)
    with all_closed(sinks_of(at, options, output, observer)) as everybody:
        result = passes.next()
        if result.busy:
            raise result.busy
        tell_sinks(passes, result.seen, everybody, lambda text: output.report(MonitorProblem(text)))
        return result.look is not None and result.look.is_sure


def monitor(at: Project, options: MonitorOptions, output: MonitorOutput, stopping: Stopping) -> str:
    """Make pass after pass, and return why they ended.

    Raises:
        LockHeld: Another monitor watches the project.
        ReconcilerError: The options, the manifests or the registry cannot be used.
    """
    observer, passes = observe_project(at, options)
    with all_closed(sinks_of(at, options, output, observer)) as everybody:
        with ExitStack() as stack:
            if not options.dry_run:
                stack.enter_context(alone(at))
            trigger = PassTrigger(
                at.clock, connect=None if options.dry_run else partial(server_events, at.registry_path, at.env)
            )
            stack.callback(trigger.close)
            stop = stack.enter_context(stopping(trigger.wakeup.wake))
            policies: list[LoopPolicy] = [StopPolicy(at.clock, options.timeout, stop)]
            if options.subscription and observer.jobs:
                subscription = subscribe(observer, options.subscription, output.report, trigger.wakeup.wake)
                policies.append(stack.enter_context(subscription))
            loop = LoopOptions(options.interval, policies, lambda text: output.report(MonitorProblem(text)))
            reason = watch(passes, trigger, everybody, loop)
        output.report(MonitorEnded(reason))
        return reason


def observe_project(at: Project, options: MonitorOptions, name: str = "") -> tuple[ProjectObserver, Passes]:
    """What looks at the project, and its passes; with several projects, `name` is the one that passes are of.

    Raises:
        Refused: The project is a copy.
    """
    if not options.dry_run:
        refuse_copy(at)
    jobs = JobRecordCache(options.subscription.records) if options.subscription else None
    observer = ProjectObserver(at, jobs)
    context = PassContext(
        look=observer.look,
        registry=at.registry,
        lock=at.lock,
        folder=_state_folder(at),
        clock=at.clock,
        dry_run=options.dry_run,
        project=name,
    )
    return observer, Passes(context)


def server_events(subscriber: str, env: Mapping[str, str], socket: str) -> ServerEvents:
    """The events of the tmux server with this socket for one subscriber."""
    return RealTmux(Socket(path=socket), env).events(subscriber)


def _state_folder(at: Project) -> StateFolder:
    given = os.path.expanduser(at.env.get("AGENT_SESSIONS_STATE_DIR", ""))
    folder = os.path.normpath(os.path.join(at.root, given or MONITOR_STATE))
    if given:
        fence_monitor(folder)
    return StateFolder(folder, at.files, at.clock)


@contextmanager
def alone(at: Project) -> Iterator[None]:
    """Allow one monitor per project; a dead monitor holds no lock."""
    lock = Lock(os.path.join(at.state, "monitor"), at.processes, at.clock)
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(lock, "watching"))
        except LockHeld as held:
            other = status(lock)
            who = describe_holder(other.value.info, at.clock) if isinstance(other, Present) else "another process"
            fix = f"end that monitor, or use --once or --dry-run, which may run beside it; its lock is {lock.path}"
            raise LockHeld(f"the project is monitored by {who}", fix=fix) from held
        yield


@dataclass(slots=True)
class StopPolicy:
    """The policy of every monitor: end when asked to, or when its time is over."""

    clock: Clock
    seconds: float
    stop: StopRequest
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    def before(self) -> None:
        """Do nothing before a pass."""

    def after(self, seen: Pass) -> None:
        """Do nothing after a pass."""

    def due(self) -> float:
        """Seconds until the monitor's time is over."""
        return self._began + self.seconds - self.clock.monotonic() if self.seconds else math.inf

    def reason(self) -> str:
        """Why the monitor should end; empty if it should not."""
        return self.stop.reason or (f"{self.seconds:g} s are over" if self.due() <= 0 else "")


def sinks_of(at: Project, options: MonitorOptions, output: MonitorOutput, observer: ProjectObserver) -> Iterator[Sink]:
    """The caller's sink, and those that the options ask for. Raises UsageError for invalid options."""
    yield output.sink
    if options.sinks != SinkOptions():
        folder = None if options.dry_run else _state_folder(at)
        broker = broker_of(at, observer.desired)
        context = SinkContext(at.env, at.files, at.processes, at.clock, output.terminal, broker, folder)
        yield from sinks(options.sinks, context)


@contextmanager
def all_closed(everybody: Iterable[Sink]) -> Iterator[Sequence[Sink]]:
    """Close each sink when the block ends, also after an error."""
    with ExitStack() as stack:
        made: list[Sink] = []
        for sink in everybody:
            made.append(sink)
            stack.callback(sink.close)
        yield made
