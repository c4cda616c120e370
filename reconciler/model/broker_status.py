"""How a broker is at one moment."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from .broker import Broker, Effect, Survey
from .diagnostic import Diagnostic
from .observed import Observed


class Expiry(Struct, frozen=True):
    """One certificate and the whole days it has left; `due` when a third of its life is left or less.

    `kind` is ca, server or client; `path` is from the broker's directory; `not_after` is in UTC.
    """

    kind: str
    path: str
    subject: str
    not_after: datetime
    days_left: int
    due: bool
    expired: bool


class BrokerOperation(Struct, frozen=True):
    """What a command did with a broker; `pid` is that of the running one, 0 when that is not known."""

    operation: str
    broker: Broker
    changed: bool
    pid: int = 0
    needs_restart: bool = False


class BrokerStatus(Struct, frozen=True):
    """Facts about a broker; `process` is its pid, `version` that of Mosquitto.

    `users` are those whom the live password file lets in. `survey` tells what a making would change;
    `waiting` is what a running broker must do to follow the files that are there already. `stranger` says what answers
    in place of one that does not run.
    """

    broker: Broker
    process: Observed[int]
    version: str
    users: tuple[str, ...]
    certificates: tuple[Expiry, ...]
    survey: Survey
    waiting: Effect
    stranger: Diagnostic | None = None
