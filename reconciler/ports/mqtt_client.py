"""Make paho's objects: a client and the properties of a packet. `mqtt` imports this only when it needs a client."""

from __future__ import annotations

import os

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from reconciler.model.broker import Connection

from .bus import Will
from .tls import client_context

_FIRST_PAUSE, _LONGEST_PAUSE = 1, 30  # seconds between two attempts to connect again


def new_client(connection: Connection, will: Will | None, *, mqtt5: bool) -> Client:
    """A client that is not connected yet."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{connection.client_id_prefix}-{os.urandom(6).hex()}",
        protocol=MQTTv5 if mqtt5 else MQTTv311,
    )
    client.reconnect_delay_set(_FIRST_PAUSE, _LONGEST_PAUSE)
    if connection.username:
        client.username_pw_set(connection.username, connection.password or None)
    if connection.tls:
        client.tls_set_context(client_context(connection))
    if will:
        client.will_set(will.topic, will.payload, qos=1, retain=True)
    return client


def session_expiry(packet: str, seconds: int) -> Properties:
    """Packet properties that tell the broker for how long to keep the session."""
    properties = Properties(getattr(PacketTypes, packet))  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = seconds
    return properties
