"""What one pass of the monitor saw, and what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .activity import Activity
from .address import Address
from .record import Status

if TYPE_CHECKING:
    from .diagnostic import Diagnostic
    from .plan import Drift


class AgentObservation(Struct, frozen=True):
    """One recorded agent as a pass saw it. `live` is its state in `reconciler status`: alive, exited, gone, ..."""

    address: Address
    session: str
    type: str
    status: Status
    live: str
    activity: Activity
    conversation: str = ""


class Notice(Struct, frozen=True):
    """A drift to report: it is new, has changed, or has come back. `count` is how often it has been reported."""

    drift: Drift
    count: int


class Pass(Struct, frozen=True):
    """One pass of the monitor."""

    number: int
    at: str
    """UTC, ISO 8601 with a Z."""
    seconds: float
    """How long the pass took."""
    agents: tuple[AgentObservation, ...] = ()
    drifts: tuple[Drift, ...] = ()
    """All drift that the pass found. An Unknown gives a diagnostic, not a drift."""
    news: tuple[Notice, ...] = ()
    """The drift that is not reported yet."""
    diagnostics: tuple[Diagnostic, ...] = ()
    project: str = ""
    """The project's folder, where one monitor watches several; else empty."""
    blind: bool = False
    """Whether the pass could not look at the agents, for example while another command works."""
