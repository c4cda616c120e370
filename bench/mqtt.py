"""Measure how fast our client takes messages, each with its signature checked, beside mosquitto_sub and bare paho.

One local broker keeps all messages; each client subscribes and is timed until it has the last. What the
broker alone can give is in every figure, so compare those of one run only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from reconciler.model.broker import Connection
from reconciler.ports.mqtt import connect

_MESSAGES, _SIZE, _REPEATS = 30_000, 293, 3
_SECRET = os.urandom(32)
_SIGNATURE = hashlib.sha256().digest_size
_FILTER = "bench/#"
_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 100000
max_inflight_messages 100
set_tcp_nodelay true
log_type error
"""


@contextmanager
def broker() -> Iterator[Connection]:
    """A broker of our own with all messages kept in it."""
    with empty_broker() as connection:
        _fill(connection.port)
        yield connection


@contextmanager
def empty_broker() -> Iterator[Connection]:
    """A broker of our own that answers."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not program:
        raise SystemExit("Mosquitto is needed: apt-get install mosquitto mosquitto-clients")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(_CONF.format(port=port))
        conf.flush()
        os.chmod(conf.name, 0o644)  # the broker reads it as a user of its own when root starts it
        with subprocess.Popen([program, "-c", conf.name]) as process:
            try:
                _await(port)
                yield Connection(host="127.0.0.1", port=port)
            finally:
                process.terminate()


def with_mosquitto_sub(connection: Connection) -> None:
    command = ["mosquitto_sub", "-V", "5", "-h", connection.host, "-p", str(connection.port), "-q", "1"]
    subprocess.run([*command, "-t", _FILTER, "-C", str(_MESSAGES)], check=True, stdout=subprocess.DEVNULL)


def with_bare_paho(connection: Connection) -> None:
    seen, done = iter(range(_MESSAGES)), Event()

    def count(_client: Client, _data: object, _message: MQTTMessage) -> None:
        if next(seen) == _MESSAGES - 1:
            done.set()

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = count
    client.on_connect = lambda client, *_: client.subscribe(_FILTER, qos=1)
    client.connect(connection.host, connection.port)
    client.loop_start()
    done.wait()
    client.disconnect()
    client.loop_stop()


def with_our_client(connection: Connection) -> None:
    with closing(connect(connection)) as bus:
        bus.subscribe(_FILTER)
        for _ in range(_MESSAGES):
            bus.receive(10)


def with_our_client_checking(connection: Connection) -> None:
    with closing(connect(connection)) as bus:
        bus.subscribe(_FILTER)
        for _ in range(_MESSAGES):
            message = bus.receive(10)
            if message is None or not _genuine(message.payload):
                raise SystemExit("a message is lost or forged, so these times would mean nothing")


CLIENTS: dict[str, Callable[[Connection], None]] = {
    "`mosquitto_sub`": with_mosquitto_sub,
    "bare paho": with_bare_paho,
    "our client": with_our_client,
    "our client, every signature checked": with_our_client_checking,
}


def receive_rates() -> Iterator[tuple[str, str]]:
    """The median rate of each client, the clients taking turns."""
    rates: dict[str, list[float]] = {name: [] for name in CLIENTS}
    with broker() as connection:
        for _ in range(_REPEATS):
            for name, receive in CLIENTS.items():
                began = time.perf_counter()
                receive(connection)
                rates[name].append(_MESSAGES / (time.perf_counter() - began))
    for name, measured in rates.items():
        yield f"{name}, {_MESSAGES} messages of {_SIZE} bytes at QoS 1", f"{statistics.median(measured):,.0f} /s"


def _genuine(payload: bytes) -> bool:
    return hmac.compare_digest(payload[:_SIGNATURE], hmac.digest(_SECRET, payload[_SIGNATURE:], "sha256"))


def _fill(port: int) -> None:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for number in range(_MESSAGES):
        body = f"{number:08}".encode().ljust(_SIZE - _SIGNATURE, b".")
        signature = hmac.digest(_SECRET, body, "sha256")
        last = client.publish(f"bench/{number}", signature + body, qos=1, retain=True)
    last.wait_for_publish()
    client.disconnect()
    client.loop_stop()


def _await(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            Event().wait(0.01)
        else:
            return
