"""What a monitor reports beside its passes, which go to its sinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import DropReason, Happening


class MonitorProblem(Struct, frozen=True):
    """Something could not be told or kept; the monitor goes on."""

    text: str


class MonitorEnded(Struct, frozen=True):
    """No pass follows."""

    reason: str


class UnsafeBroker(Struct, frozen=True):
    """Anybody may speak on the broker that job events come from; `kind` says why."""

    address: str
    kind: str


class SubscriptionStarted(Struct, frozen=True):
    """Job events are received from now on."""


class SubscriptionLost(Struct, frozen=True):
    """No job events are received; until they are, a pass is made every `poll` seconds."""

    reason: str
    poll: float


class EventUnrecorded(Struct, frozen=True):
    """What a job event says could not be recorded."""

    error: ReconcilerError


class AgentNotStopped(Struct, frozen=True):
    """An agent whose job has ended should be stopped, and could not be."""

    session: str
    error: ReconcilerError


class MessagesDropped(Struct, frozen=True):
    """How many messages did not count, by their reason; the subscription has ended."""

    counts: Mapping[DropReason, int]


SubscriptionEvent: TypeAlias = Happening | SubscriptionStarted | SubscriptionLost | EventUnrecorded | MessagesDropped
MonitorEvent: TypeAlias = SubscriptionEvent | MonitorProblem | MonitorEnded | UnsafeBroker | AgentNotStopped
