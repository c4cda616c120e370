"""What one pass of the monitor saw, and what of it is worth telling."""

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
    """One recorded agent as a pass saw it. `live` is the word that `status` has for it: alive, exited, gone, ..."""

    address: Address
    session: str
    type: str
    status: Status
    live: str
    activity: Activity
    conversation: str = ""


class Notice(Struct, frozen=True):
    """A drift that is told: it is new, has changed, or is back. `count` is how often it has been told."""

    drift: Drift
    count: int


class Pass(Struct, frozen=True):
    """One look of the monitor. `at` is UTC, ISO 8601 with a Z; `seconds` is how long it took.

    `drifts` are all that the pass found, `news` those that nobody was told of yet. Of an Unknown there is a
    diagnostic and no drift. One that was `blind`, as while somebody else works, says nothing of the agents.
    """

    number: int
    at: str
    seconds: float
    agents: tuple[AgentObservation, ...] = ()
    drifts: tuple[Drift, ...] = ()
    news: tuple[Notice, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    blind: bool = False
