"""What a monitor reports beside its passes, which go to its sinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Drop, Happening


@dataclass(frozen=True, slots=True)
class MonitorProblem:
    """Something could not be told or kept; the monitor goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class MonitorEnded:
    """No pass follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class UnsafeBroker:
    """Anybody may speak on the broker that job events come from; `kind` says why."""

    address: str
    kind: str


@dataclass(frozen=True, slots=True)
class SubscriptionStarted:
    """Job events are received from now on."""


@dataclass(frozen=True, slots=True)
class SubscriptionLost:
    """No job events are received; until they are, a pass is made every `poll` seconds."""

    reason: str
    poll: float


@dataclass(frozen=True, slots=True)
class EventUnrecorded:
    """What a job event says could not be recorded."""

    error: ReconcilerError


@dataclass(frozen=True, slots=True)
class AgentNotStopped:
    """An agent whose job has ended should be stopped, and could not be."""

    session: str
    error: ReconcilerError


@dataclass(frozen=True, slots=True)
class MessagesDropped:
    """How many messages did not count, by their reason; the subscription has ended."""

    counts: Mapping[Drop, int]


SubscriptionEvent: TypeAlias = Happening | SubscriptionStarted | SubscriptionLost | EventUnrecorded | MessagesDropped
MonitorEvent: TypeAlias = SubscriptionEvent | MonitorProblem | MonitorEnded | UnsafeBroker | AgentNotStopped
