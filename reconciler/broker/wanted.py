"""Compute all files of a broker from its settings and secrets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping

from msgspec import to_builtins

from reconciler.broker.files import acl, layout
from reconciler.broker.files.file_set import PUBLIC, File
from reconciler.broker.files.kept import text as kept_text
from reconciler.broker.files.templates import fill
from reconciler.broker.keys.material import Complete
from reconciler.broker.running.program import Runner
from reconciler.model.broker import Broker, BrokerUser, Listener, Target


def wanted(broker: Broker, material: Complete, runner: Runner) -> dict[str, File]:
    """All files of a broker by their sorted paths. The same arguments give the same bytes."""
    files = {
        **rendered(broker, runner),
        layout.PASSWORDS: File(_lines(f"{name}:{entry}" for name, entry in material.entries.items())),
        # Sorted: a CA roll-over changes which CA signs, and that alone must not change this file.
        layout.TRUSTED: File(b"".join(sorted(material.authority.trusted)), PUBLIC),
        layout.SERVER_CERTIFICATE: File(material.server.certificate, PUBLIC),
        layout.SERVER_KEY: File(material.server.key),
        **({layout.KEPT: File(kept_text(material.kept).encode())} if material.kept else {}),
        **_ca(broker, material),
        **_clients(broker, material),
        **_for_target(broker, runner),
    }
    return dict(sorted(files.items()))


def rendered(broker: Broker, runner: Runner) -> dict[str, File]:
    """The files that depend only on the settings; they have no secrets."""
    return {layout.CONF: File(_conf(broker, runner)), layout.ACL: File(_acl(broker))}


def environment(broker: Broker, user: str, password: str) -> dict[str, str]:
    """The MQTT_* variables for a user's client; without a password if that is not known."""
    listener = broker.listeners[0]
    variables = {
        "MQTT_BROKER": broker.host,
        "MQTT_PORT": str(listener.port),
        "MQTT_TLS": "1",
        "MQTT_USERNAME": user,
        **({"MQTT_PASSWORD": password} if password else {}),
        "MQTT_CA_CERTS": os.path.join(broker.directory, layout.CA_CERTIFICATE),
    }
    if listener.mtls:
        variables["MQTT_CERTFILE"] = os.path.join(broker.directory, layout.certificate(user))
        variables["MQTT_KEYFILE"] = os.path.join(broker.directory, layout.key(user))
    return variables


def _conf(broker: Broker, runner: Runner) -> bytes:
    values = {
        "user": runner.user,
        "directory": broker.directory,
        "persistence": broker.persistence,
        "limits": to_builtins(broker.limits),
        "listeners": [to_builtins(_inside(broker, listener)) for listener in broker.listeners],
    }
    return fill("mosquitto.conf", values)


def _inside(broker: Broker, listener: Listener) -> Listener:
    """The listener as the broker sees it: a container does not have the addresses of the machine."""
    return Listener(listener.port, "", listener.mtls) if broker.target is Target.DOCKER else listener


def _acl(broker: Broker) -> bytes:
    declared = acl.declared(broker)
    users = [[name, [to_builtins(grant) for grant in grants]] for name, grants in declared.users.items()]
    return fill("acl", {"users": users, "patterns": [to_builtins(grant) for grant in declared.patterns]})


def _ca(broker: Broker, material: Complete) -> dict[str, File]:
    authority = material.authority
    files = {layout.CA_CERTIFICATE: File(b"".join(authority.trusted), PUBLIC)}
    if authority.key and not broker.tls.ca_key:  # a key from the settings is never copied
        files[layout.CA_KEY] = File(authority.key)
    if authority.next_key:
        files[layout.CA_NEXT_KEY] = File(authority.next_key)
    return files


def _clients(broker: Broker, material: Complete) -> dict[str, File]:
    return {path: file for user in broker.users for path, file in _client(broker, user, material).items()}


def _client(broker: Broker, user: BrokerUser, material: Complete) -> dict[str, File]:
    secret = material.secrets.get(user.name, "")
    files = {layout.environment(user.name): File(_dotenv(environment(broker, user.name, secret)))}
    if secret:
        files[layout.password(user.name)] = File(_lines([secret]))
    if user.name in material.clients:
        files[layout.certificate(user.name)] = File(material.clients[user.name].certificate, PUBLIC)
        files[layout.key(user.name)] = File(material.clients[user.name].key)
    return files


def _for_target(broker: Broker, runner: Runner) -> dict[str, File]:
    name = broker.address.workspace
    values: dict[str, object] = {"name": name, "directory": broker.directory}
    match broker.target:
        case Target.DOCKER:
            values |= {
                "uid": runner.uid,
                "gid": runner.gid,
                "listeners": [to_builtins(each) for each in broker.listeners],
            }
            return {layout.COMPOSE: File(fill("compose.yaml", values), PUBLIC)}
        case Target.SYSTEMD:
            privileged = any(listener.port < 1024 for listener in broker.listeners)
            values |= {"user": runner.user, "program": runner.program, "privileged_port": privileged}
            return {layout.unit(name): File(fill("mosquitto.service", values), PUBLIC)}
        case Target.PROCESS:
            return {}


def _dotenv(variables: Mapping[str, str]) -> bytes:
    return _lines(f"{name}={shlex.quote(value)}" for name, value in variables.items())


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
