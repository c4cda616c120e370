"""Print a user's settings in the forms that clients read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping

from reconciler.broker.files import layout
from reconciler.broker.make import BrokerDirectory
from reconciler.broker.proof import connection
from reconciler.broker.wanted import environment
from reconciler.model.broker import Broker
from reconciler.model.errors import UsageError


def shell(broker: Broker, found: BrokerDirectory, user: str, *, reveal: bool) -> Iterator[str]:
    """Lines for `eval` in a POSIX shell. Without `reveal`, the shell itself reads the password from its file.

    Raises:
        UsageError: There is no such user.
    """
    for name, value in variables(broker, found, user).items():
        if name == "MQTT_PASSWORD" and not reveal:
            yield f'export {name}="$(cat {shlex.quote(_file(broker, layout.password(user)))})"'
        else:
            yield f"export {name}={shlex.quote(value)}"


def dotenv(broker: Broker, found: BrokerDirectory, user: str, *, reveal: bool) -> Iterator[str]:
    """NAME=VALUE lines, which run no command. Without `reveal`, a comment replaces the password.

    Raises:
        UsageError: There is no such user.
    """
    for name, value in variables(broker, found, user).items():
        if name == "MQTT_PASSWORD" and not reveal:
            yield f"# MQTT_PASSWORD is left out; this file has it: {_file(broker, layout.environment(user))}"
        else:
            yield f"{name}={shlex.quote(value)}"


def block(broker: Broker, found: BrokerDirectory, user: str, *, reveal: bool) -> Mapping[str, str | int | bool]:
    """The `broker` block of a job record. Without `reveal`, it has `password_file` instead of `password`.

    Raises:
        UsageError: There is no such user.
    """
    _expect(broker, user)
    known = connection(broker, found, user)
    secret = {"password": known.password} if reveal else {"password_file": _file(broker, layout.password(user))}
    certificate = {"certfile": known.certfile, "keyfile": known.keyfile} if known.certfile else {}
    return {
        "host": known.host,
        "port": known.port,
        "tls": known.tls,
        "username": known.username,
        **secret,
        "ca_certs": known.ca_certs,
        **certificate,
    }


def password_file(broker: Broker, user: str) -> str:
    """The path of the file with a user's password."""
    return _file(broker, layout.password(user))


def variables(broker: Broker, found: BrokerDirectory, user: str) -> dict[str, str]:
    """The MQTT_* variables of a user, with the password.

    Raises:
        UsageError: There is no such user.
        ReconcilerError: The password is not known.
    """
    _expect(broker, user)
    return environment(broker, user, connection(broker, found, user).password)


def _expect(broker: Broker, user: str) -> None:
    names = [each.name for each in broker.users]
    if user not in names:
        raise UsageError(f"{broker.address} has no user {user}", fix=f"users are: {', '.join(names)}")


def _file(broker: Broker, path: str) -> str:
    return os.path.join(broker.directory, path)
