"""The bus that events take: a broker, or the files of this machine."""

from __future__ import annotations

from reconciler.model.broker import EventWay, Spool

from .bus import Bus
from .local_bus import LocalBus
from .mqtt import connect


def open_bus(way: EventWay, patience: float = 10.0) -> Bus:
    """A live bus; each answer of a broker is waited for `patience` seconds. Raises what `connect` raises."""
    return LocalBus(way.folder) if isinstance(way, Spool) else connect(way, patience=patience)
