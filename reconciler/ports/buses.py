"""The bus that events take: a broker, a NATS server, or the files of this machine."""

from __future__ import annotations

from reconciler.model.broker import EventWay, Spool
from reconciler.model.job_server import JobServer

from .bus import Bus
from .local_bus import LocalBus
from .mqtt import connect
from .nats_bus import nats_bus


def open_bus(way: EventWay | JobServer, patience: float = 10.0) -> Bus:
    """A live bus; each answer of a broker or server is waited for `patience` seconds.

    Raises what `mqtt.connect` or `nats_server.open_link` raises.
    """
    if isinstance(way, JobServer):
        return nats_bus(way, patience)
    return LocalBus(way.folder) if isinstance(way, Spool) else connect(way, patience=patience)
