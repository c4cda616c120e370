"""Describe a broker for its probes: the users, their rights, and the files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from reconciler.broker.files import acl, layout, sets
from reconciler.broker.files.file_set import File, FileSet
from reconciler.broker.running import process
from reconciler.broker.running.port_conflicts import other_listeners
from reconciler.broker.running.process import Machine
from reconciler.broker.verify.probe import KeyFiles, Kind, Principal, ProofTarget, Restarts
from reconciler.model.broker import DEMO_TOPIC, Access, Broker, BrokerUser, Connection, Grant, Listener, Role, Target
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent

from .make import BrokerDirectory

_OWN_PORTS = (1883, 9001, 9883)  # Mosquitto's default ports: plain, websockets, dashboard
_SECRETS = (".key", ".password", ".env")
_RULES = {layout.ACL, layout.PASSWORDS}


def target(broker: Broker, found: BrokerDirectory, machine: Machine) -> ProofTarget:
    """Everything that probes can test on this machine. Reloads are tested only if this user runs the broker."""
    ports = {listener.port for listener in broker.listeners}
    certified = next((listener for listener in broker.listeners if listener.mtls), None)
    user = broker.users[0].name

    @contextmanager
    def granted(user: str, topic: str) -> Iterator[None]:
        with _granted(broker, found, machine, user, topic):
            yield

    return ProofTarget(
        principals=tuple(_principal(broker, found, user) for user in broker.users),
        topics=broker.topics,
        runners=tuple(user.name for user in broker.users if user.role is Role.RUNNER),
        closed_ports=tuple(port for port in _OWN_PORTS if port not in ports),
        strangers=partial(other_listeners, broker, machine.processes),
        certified=_reached(broker, user, found.material.secrets.get(user, ""), certified) if certified else None,
        files=found.files,
        private=tuple(path for path in found.files if path.endswith(_SECRETS) or path in _RULES),
        certificates=tuple(_stored(found.files)),
        granted=granted if broker.target is Target.PROCESS else None,
    )


def restarts(broker: Broker, binary: str, machine: Machine) -> Restarts:
    """How to stop and restart a broker that this user runs; afterwards it runs in the background."""
    database = os.path.join(broker.directory, layout.DATA, "mosquitto.db")

    def again(end: Callable[[str, Machine], object]) -> None:
        process.expect_running(broker.directory, machine)
        try:
            end(broker.directory, machine)
        finally:
            if isinstance(process.running(broker.directory, machine.processes), Absent):
                process.start(broker, binary, machine)

    def written() -> int:
        return os.stat(database).st_mtime_ns if os.path.exists(database) else 0

    return Restarts(partial(again, process.stop), partial(again, process.kill), written, broker.persistence)


def connection(broker: Broker, found: BrokerDirectory, user: str) -> Connection:
    """The connection of a user to the broker's first listener.

    Raises:
        ReconcilerError: There is no such user, or its password is not known.
    """
    secret = found.material.secrets.get(user)
    if secret is None and found.material.is_own(user):
        raise ReconcilerError(
            f"reconciler does not know the password of {user}: it was set by hand",
            fix=f"enter it: reconciler broker user password {user} {shlex.quote(broker.directory)}",
        )
    if secret is None:
        fix = (
            f"users are: {', '.join(each.name for each in broker.users)}; to make missing files: reconciler broker init"
        )
        raise ReconcilerError(f"{broker.address} has no user {user} with a password", fix=fix)
    return _reached(broker, user, secret, broker.listeners[0])


def _reached(broker: Broker, user: str, secret: str, at: Listener) -> Connection:
    return Connection(
        host=broker.host,
        port=at.port,
        tls=True,
        username=user,
        password=secret,
        ca_certs=os.path.join(broker.directory, layout.CA_CERTIFICATE),
        certfile=os.path.join(broker.directory, layout.certificate(user)) if at.mtls else "",
        keyfile=os.path.join(broker.directory, layout.key(user)) if at.mtls else "",
    )


def _principal(broker: Broker, found: BrokerDirectory, user: BrokerUser) -> Principal:
    own = acl.declared(broker).users[user.name]
    everybody = (Grant(Access.READWRITE, DEMO_TOPIC),) if broker.demo_topic else ()
    first = broker.listeners[0]
    if user.name not in found.material.secrets and found.material.is_own(user.name):
        return Principal(user.name, _reached(broker, user.name, "", first), (*own, *everybody), locked=not first.mtls)
    return Principal(user.name, connection(broker, found, user.name), (*own, *everybody))


def _stored(files: FileSet) -> Iterator[KeyFiles]:
    yield KeyFiles(Kind.CA, layout.CA_CERTIFICATE, layout.CA_KEY if layout.CA_KEY in files else "")
    yield KeyFiles(Kind.SERVER, layout.SERVER_CERTIFICATE, layout.SERVER_KEY)
    for path in files:
        if path.startswith("clients/") and path.endswith(".crt"):
            yield KeyFiles(Kind.CLIENT, path, path.removesuffix(".crt") + ".key")


@contextmanager
def _granted(broker: Broker, found: BrokerDirectory, machine: Machine, user: str, topic: str) -> Iterator[None]:
    """Add an ACL line to the running broker while the block runs.

    If removing it fails or is interrupted, the line counts as an edit by hand, and the next apply removes it.
    """
    before = found.files[layout.ACL]
    line = f"\nuser {user}\ntopic write {topic}\n"
    _write_rules_and_reload(broker, File(before.data + line.encode(), before.mode), machine)
    try:
        yield
    finally:
        _write_rules_and_reload(broker, before, machine)


def _write_rules_and_reload(broker: Broker, rules: File, machine: Machine) -> None:
    sets.write(os.path.join(broker.directory, layout.ACL), rules)
    process.reload(broker, machine)
