"""The queue of jobs for other hosts: retained messages of an MQTT broker, or a NATS server."""

from __future__ import annotations

from reconciler.model.broker import Connection
from reconciler.model.job_server import JobServer
from reconciler.model.redacted import Redacted

from .mqtt_queue import MqttQueue
from .nats_queue import NatsQueue
from .queue import JobQueue


class Boxes(Redacted, frozen=True):
    """The way over a broker: each host has boxes beneath `PREFIX/hosts/HOST`."""

    connection: Connection
    prefix: str


def open_queue(way: Boxes | JobServer, host: str, patience: float = 10.0) -> JobQueue:
    """A live connection to the queue for the host `host`, which submits or claims.

    Raises BusUnreachable, BusRefused, or what is missing on this machine or on the server (Unreachable).
    """
    if isinstance(way, JobServer):
        return NatsQueue(way, host, patience=patience)
    return MqttQueue(way.connection, way.prefix, host, patience=patience)
