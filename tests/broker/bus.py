"""A broker in the making: settings on a free loopback port, and the steps that every test takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from free_ports import free_port

from reconciler.broker import make
from reconciler.broker.files import conf
from reconciler.broker.make import BrokerFilePlan
from reconciler.broker.running import program
from reconciler.broker.running.process import Machine
from reconciler.broker.wanted import Runner
from reconciler.model.address import Address
from reconciler.model.broker import Broker, Connection, Listener
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses

NOW = datetime.now(UTC)  # noqa: TID251 - certificates must hold for the real programs of this moment
MACHINE = Machine(RealProcesses(), RealClock())
MOSQUITTO = program.find(os.environ["PATH"], MACHINE.processes)


def broker(folder: Path, **fields: object) -> Broker:
    settings: dict[str, object] = {"listeners": (Listener(free_port(), "127.0.0.1"),), **fields}
    return Broker(Address("broker", "bus"), str(folder / "bus"), **settings)


def runner() -> Runner:
    return program.runner(MOSQUITTO)


def plan(of: Broker, days: float = 0) -> BrokerFilePlan:
    now = NOW + timedelta(days=days)
    return make.plan(of, make.look(of, now), runner(), now)


def made(of: Broker, days: float = 0) -> BrokerFilePlan:
    making = plan(of, days)
    assert make.check(of, making, conf.Version.V2_0, NOW + timedelta(days=days)) == ()
    make.write(of, making)
    return making


def contents(of: Broker) -> Mapping[str, tuple[bytes, int]]:
    """Every file below the broker's directory with its mode."""
    paths = [path for path in Path(of.directory).rglob("*") if path.is_file()]
    return {str(path.relative_to(of.directory)): (path.read_bytes(), path.stat().st_mode & 0o777) for path in paths}


def connection(of: Broker, user: str) -> Connection:
    folder, listener = Path(of.directory), of.listeners[0]
    return Connection(
        host=of.host,
        port=listener.port,
        tls=True,
        username=user,
        password=(folder / f"clients/{user}.password").read_text().strip(),
        ca_certs=str(folder / "ca/ca.crt"),
        certfile=str(folder / f"clients/{user}.crt") if listener.mtls else "",
        keyfile=str(folder / f"clients/{user}.key") if listener.mtls else "",
    )
