"""Events of a monitor other than its passes, which go to its sinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import DropReason, Happening


class MonitorProblem(Struct, frozen=True):
    """Something could not be reported or stored; the monitor continues."""

    text: str


class MonitorEnded(Struct, frozen=True):
    """The monitor has ended; no pass follows."""

    reason: str


class UnsafeBroker(Struct, frozen=True):
    """Anyone can publish to the broker that job events come from; `kind` says why."""

    address: str
    kind: str


class SubscriptionStarted(Struct, frozen=True):
    """Job events are received from now on."""


class SubscriptionLost(Struct, frozen=True):
    """No job events are received; meanwhile, a pass is made every `poll` seconds."""

    reason: str
    poll: float


class EventUnrecorded(Struct, frozen=True):
    """A job event could not be recorded."""

    error: ReconcilerError


class AgentNotStopped(Struct, frozen=True):
    """An agent whose job has ended could not be stopped."""

    session: str
    error: ReconcilerError


class MessagesDropped(Struct, frozen=True):
    """The number of dropped messages by reason; sent when the subscription ends."""

    counts: Mapping[DropReason, int]


SubscriptionEvent: TypeAlias = Happening | SubscriptionStarted | SubscriptionLost | EventUnrecorded | MessagesDropped
MonitorEvent: TypeAlias = SubscriptionEvent | MonitorProblem | MonitorEnded | UnsafeBroker | AgentNotStopped
