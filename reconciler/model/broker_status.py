"""The status of a broker at one moment."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from .broker import Broker, Effect, Survey
from .diagnostic import Diagnostic
from .observed import Observed


class Expiry(Struct, frozen=True):
    """One certificate and the whole days until it expires.

    `kind` is ca, server or client. `path` is relative to the broker's directory. `not_after` is in UTC. `due` is true
    when a third of its lifetime or less is left.
    """

    kind: str
    path: str
    subject: str
    not_after: datetime
    days_left: int
    due: bool
    expired: bool


class BrokerOperation(Struct, frozen=True):
    """What a command did with a broker. `pid` is the pid of the running broker, 0 when unknown."""

    operation: str
    broker: Broker
    changed: bool
    pid: int = 0
    needs_restart: bool = False


class BrokerStatus(Struct, frozen=True):
    """Facts about one broker."""

    broker: Broker
    process: Observed[int]
    """Its pid."""
    version: str
    """The version of Mosquitto."""
    users: tuple[str, ...]
    """The users in its password file, who can log in now."""
    certificates: tuple[Expiry, ...]
    survey: Survey
    """What `broker init` would change."""
    waiting: Effect
    """What a running broker must do to use the files that are already on disk."""
    stranger: Diagnostic | None = None
    """What listens on the broker's port while the broker itself does not run."""
