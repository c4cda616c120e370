"""Receive job events while a project is watched, and record them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec import Struct

from reconciler.app.agents.look import look
from reconciler.app.agents.names import declared_session
from reconciler.app.monitor.events import (
    AgentNotStopped,
    EventUnrecorded,
    MessagesDropped,
    MonitorEvent,
    SubscriptionLost,
    SubscriptionStarted,
    UnsafeBroker,
)
from reconciler.app.monitor.observer import ProjectObserver
from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.broker.clients.connection import is_public
from reconciler.jobs.record import Records
from reconciler.jobs.route import Route, route
from reconciler.model.activity import Activity
from reconciler.model.broker import Connection
from reconciler.model.desired import RunState
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import Dropped, Job
from reconciler.model.watch import AgentObservation, Pass
from reconciler.monitor.subscribe import EndedJobs, EventListener, EventVerifier, JobRecordCache, is_private
from reconciler.plan.request import Request
from reconciler.ports.mqtt import connect

_PATIENCE = 5.0  # seconds that the broker has to answer
_AGAIN = 2.0  # seconds before another attempt to stop an agent


class SubscriptionOptions(Struct, frozen=True):
    """How job events are received; durations are in seconds. The monitor ends after `idle` without an event.

    `poll` is the time between two passes while the broker cannot be reached. `auto_stop` carries out the request that
    stops an agent whose job has ended; without it, no agent is stopped.
    """

    records: Records
    idle: float
    poll: float
    auto_stop: Callable[[Request], object] | None = None


@contextmanager
def subscribe(
    observer: ProjectObserver,
    options: SubscriptionOptions,
    report: Callable[[MonitorEvent], None],
    wake: Callable[[], None],
) -> Iterator[Subscription]:
    """Subscribe while the block runs; `wake` is called when there is something to record.

    Raises:
        Refused: `auto_stop` with a broker that anyone can publish to.
        ReconcilerError: The settings of the broker are invalid.
    """
    at = observer.at
    way = route(broker_of(at, observer.desired), at.env, at.files)
    _refuse_unsafe(way.follower, options, report)
    cache = observer.jobs or JobRecordCache(options.records)
    verifier, ended = EventVerifier(cache, way.topic_prefix), EndedJobs(cache)  # read before any event arrives
    listener = EventListener(lambda: connect(way.follower, patience=_PATIENCE), _filter(way), wake, options.poll)
    subscription = Subscription(
        at=at, options=options, report=report, listener=listener, verifier=verifier, ended=ended
    )
    try:
        yield subscription
    finally:
        listener.close()
        subscription.report_drops()


def _filter(way: Route) -> str:
    return f"{way.topic_prefix}/+/events"


def _refuse_unsafe(
    connection: Connection, options: SubscriptionOptions, report: Callable[[MonitorEvent], None]
) -> None:
    if is_private(connection):
        return
    where = f"{connection.host}:{connection.port}"
    kind = "is a public broker" if is_public(connection) else f"has no {'login' if connection.tls else 'TLS'}"
    report(UnsafeBroker(where, kind))
    if options.auto_stop:
        raise Refused(
            f"--auto-stop is refused: {where} {kind}",
            fix="use a broker with TLS and a login: reconciler broker init; or omit --auto-stop",
        )


@dataclass(slots=True)
class Subscription:
    """Records received events before each pass, and stops agents with ended jobs after it."""

    at: Project
    options: SubscriptionOptions
    report: Callable[[MonitorEvent], None]
    listener: EventListener
    verifier: EventVerifier
    ended: EndedJobs
    _trouble: str | None = None
    _last: float = field(init=False)
    _ending: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = self.at.clock.monotonic()

    def before(self) -> None:
        """Record the received events."""
        self._report_trouble()
        for message in self.listener.take():
            try:
                happenings = self.verifier.record(message)
            except ReconcilerError as error:
                self.report(EventUnrecorded(error))
                continue
            for happening in happenings:
                self.report(happening)
            if any(not isinstance(each, Dropped) for each in happenings):
                self._last = self.at.clock.monotonic()
        if self.options.auto_stop:
            self._ending |= {_session(job): job for job in self.ended.take()}

    def after(self, seen: Pass) -> None:
        """Stop the agents whose job has ended, as `reconciler stop` does; a busy one is tried again later."""
        if seen.blind:
            return
        agents = {agent.session: agent for agent in seen.agents}
        for session, job in list(self._ending.items()):
            if not _works(agents.get(session)):
                del self._ending[session]
                if session in agents and agents[session].live == "alive":
                    self._stop(session, job)

    def due(self) -> float:
        """Seconds until the next poll while disconnected; else until `idle` is over."""
        if self._trouble != "":
            return self.options.poll
        silence = self._last + self.options.idle - self.at.clock.monotonic() if self.options.idle else math.inf
        return min(silence, _AGAIN if self._ending else math.inf)

    def reason(self) -> str:
        """Why the monitor should end: no event for `idle` seconds while connected; else empty."""
        if self._trouble != "" or not self.options.idle:
            return ""
        silent = self.at.clock.monotonic() - self._last >= self.options.idle
        return f"no message for {self.options.idle:g} s" if silent else ""

    def report_drops(self) -> None:
        """Report how many messages were dropped, if any."""
        if self.verifier.dropped:
            self.report(MessagesDropped(dict(self.verifier.dropped)))

    def _report_trouble(self) -> None:
        trouble = self.listener.trouble
        if trouble == self._trouble:
            return
        self._trouble, self._last = trouble, self.at.clock.monotonic()
        self.report(SubscriptionLost(trouble, self.options.poll) if trouble else SubscriptionStarted())

    def _stop(self, session: str, job: Job) -> None:
        if self.options.auto_stop is None:
            return
        try:
            agents = declared_session(look(self.at), session)
            reason = f"job {job.id} {job.status}"
            self.options.auto_stop(Request(states=dict.fromkeys(agents, RunState.STOPPED), reason=reason))
        except ReconcilerError as error:
            self.report(AgentNotStopped(session, error))


def _works(agent: AgentObservation | None) -> bool:
    return agent is not None and agent.live == "alive" and agent.activity in {Activity.BUSY, Activity.WAITING}


def _session(job: Job) -> str:
    return job.agent_session.removeprefix("tmux:")
