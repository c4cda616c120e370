"""monitor --subscribe: which broker, what is heard from it, and what becomes of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field

from reconciler.app.agents.look import look
from reconciler.app.agents.names import declared
from reconciler.app.plan.options import ApplyOptions, CarryOut
from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.broker.connection import is_public
from reconciler.jobs.record import Records
from reconciler.jobs.route import Route, route
from reconciler.model.broker import Connection
from reconciler.model.desired import Desired, RunState
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import Dropped, Job
from reconciler.model.snapshot import Activity
from reconciler.model.watch import AgentSight, Pass
from reconciler.monitor.subscribe import Court, Ear, Endings, Shelf, is_private
from reconciler.plan.request import Request
from reconciler.ports.mqtt import connect
from reconciler.render.jobs import happening_text
from reconciler.render.terminal import show

_PATIENCE = 5.0  # seconds that a broker has to answer
_AGAIN = 2.0  # seconds until an agent that is to be stopped is looked at again
_LOCK_TIMEOUT = 10.0  # seconds that a running apply is waited for
_RISKS = (
    "anybody may publish events to the topics of your jobs, and read what is said there",
    "where --auto-stop is possible, a forged `completed` or `error` would end an agent; it is refused here",
    "only events that are signed with the token of their job count; the others are dropped",
    "better: a broker of your own, with TLS and users (reconciler broker init), or no --subscribe",
)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How job events are heard: lengths of time in seconds; `idle` without one ends the monitor, 0 for never.

    `poll` is the time between two passes while the broker is out of reach. Agents are stopped by `carry_out`.
    """

    records: Records
    idle: float
    poll: float
    carry_out: CarryOut
    auto_stop: bool = False


@contextmanager
def subscribed(
    at: Project, hearing: Hearing, shelf: Shelf, desired: Desired, ring: Callable[[], None]
) -> Iterator[Subscription]:
    """A subscription, while the block runs.

    Raises:
        Refused: Agents shall be stopped by what is heard over a broker where anybody speaks.
        ReconcilerError: The settings of the broker make no sense.
    """
    way = route(broker_of(at, desired), at.env, at.files)
    _warn(at, way.follower, hearing)
    ear = Ear(lambda: connect(way.follower, patience=_PATIENCE), _filter(way), ring, hearing.poll)
    subscription = Subscription(at, hearing, ear, Court(shelf, way.topic_prefix), Endings(shelf))
    try:
        yield subscription
    finally:
        ear.close()
        subscription.tell_drops()


def _filter(way: Route) -> str:
    return f"{way.topic_prefix}/+/events"


def _warn(at: Project, connection: Connection, hearing: Hearing) -> None:
    if is_private(connection):
        return
    where = f"{connection.host}:{connection.port}"
    kind = "is a public broker" if is_public(connection) else f"has no {'login' if connection.tls else 'TLS'}"
    _tell(at, [f"Warning: {where} {kind}:", *(f"  - {risk}" for risk in _RISKS)])
    if hearing.auto_stop:
        raise Refused(
            f"--auto-stop is refused: {where} {kind}",
            fix="use a broker with TLS and a login: reconciler broker init; or leave --auto-stop out",
        )


@dataclass(slots=True)
class Subscription:
    """Goes along with the passes: what was heard is recorded before one, and may stop agents after it."""

    at: Project
    hearing: Hearing
    ear: Ear
    court: Court
    endings: Endings
    _trouble: str | None = None
    _last: float = field(init=False)
    _ending: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = self.at.clock.monotonic()

    def before(self) -> None:
        """Record what was heard."""
        self._tell_trouble()
        for message in self.ear.take():
            try:
                happenings = self.court.hear(message)
            except ReconcilerError as error:
                _tell(self.at, [f"Error: {error.summary}"])
                continue
            _tell(self.at, (line for each in happenings for line in happening_text(each)))
            if any(not isinstance(each, Dropped) for each in happenings):
                self._last = self.at.clock.monotonic()
        if self.hearing.auto_stop:
            self._ending |= {_session(job): job for job in self.endings.take()}

    def after(self, seen: Pass) -> None:
        """Stop the agents whose job has ended, as `reconciler stop` does; one that works still is waited for."""
        if seen.blind:
            return
        agents = {agent.session: agent for agent in seen.agents}
        for session, job in list(self._ending.items()):
            if not _works(agents.get(session)):
                del self._ending[session]
                if session in agents and agents[session].live == "alive":
                    self._stop(session, job)

    def due(self) -> float:
        """Polling while nothing can be heard; else until the silence has been long enough."""
        if self._trouble != "":
            return self.hearing.poll
        silence = self._last + self.hearing.idle - self.at.clock.monotonic() if self.hearing.idle else math.inf
        return min(silence, _AGAIN if self._ending else math.inf)

    def reason(self) -> str:
        """A long silence ends the monitor, while the broker is there."""
        if self._trouble != "" or not self.hearing.idle:
            return ""
        silent = self.at.clock.monotonic() - self._last >= self.hearing.idle
        return f"no message for {self.hearing.idle:g} s" if silent else ""

    def tell_drops(self) -> None:
        """How many messages did not count, by their reason."""
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(self.court.dropped.items()))
        if counts:
            _tell(self.at, [f"Dropped messages: {counts}."])

    def _tell_trouble(self) -> None:
        trouble = self.ear.trouble
        if trouble == self._trouble:
            return
        self._trouble, self._last = trouble, self.at.clock.monotonic()
        polling = f"Warning: no events: {trouble}. Looking every {self.hearing.poll:g} s until the broker is there."
        _tell(self.at, [polling if trouble else "Listening to job events."])

    def _stop(self, session: str, job: Job) -> None:
        reason = f"job {job.id} {job.status}"
        try:
            with redirect_stdout(sys.stderr):
                agents = declared(look(self.at), [session])
                request = Request(states=dict.fromkeys(agents, RunState.STOPPED), reason=reason)
                options = ApplyOptions(auto_approve=True, lock_timeout=_LOCK_TIMEOUT)
                self.hearing.carry_out(self.at, request, options)
        except ReconcilerError as error:
            _tell(self.at, [f"Error: {session} is not stopped: {error.summary}"])


def _works(agent: AgentSight | None) -> bool:
    return agent is not None and agent.live == "alive" and agent.activity in {Activity.BUSY, Activity.WAITING}


def _session(job: Job) -> str:
    return job.agent_session.removeprefix("tmux:")


def _tell(at: Project, lines: Iterable[str]) -> None:
    show(lines, sys.stderr, at.env)
    sys.stderr.flush()
