"""Choose the broker for a job's events, and the users that its follower and its agent log in as."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from shlex import quote

from msgspec import to_builtins
from msgspec.structs import replace

from reconciler.broker.clients.connection import Settings, broker_config_from_env
from reconciler.broker.files import layout
from reconciler.model.broker import LOCAL, Broker, Connection, EventWay, Role, Spool
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.host_topics import prefixes
from reconciler.model.job import TOPIC_PREFIX
from reconciler.model.observed import Absent, Present
from reconciler.model.record import Json
from reconciler.model.redacted import Redacted
from reconciler.ports.world import Files

_READERS = (Role.OBSERVER, Role.RECONCILER)
_WRITERS = (Role.WORKER, Role.RECONCILER)
LOGIN = ("MQTT_USERNAME", "MQTT_PASSWORD", "MQTT_CERTFILE", "MQTT_KEYFILE")
"""The variables that a client logs in with."""
_WORKER = {name: name.replace("MQTT_", "MQTT_WORKER_") for name in LOGIN}


class Route(Redacted, frozen=True):
    """`publisher` is the broker block of a job record: it says where the password is, and not what it is.

    Where events go through files, it says `local`.
    """

    follower: EventWay
    publisher: Mapping[str, Json]
    """The broker block of the job record. It says where the password is, and never has the password. Where events go
    through files, it says `local`."""
    topic_prefix: str = TOPIC_PREFIX


class QueueLogin(Redacted, frozen=True):
    """How a host reaches the boxes of jobs; their topics begin with `prefix`."""

    connection: Connection
    prefix: str


def route(declared: Broker | None, env: Mapping[str, str], files: Files, folder: str) -> Route:
    """The way over the broker that MQTT_BROKER names, else over the declared one, else through files in `folder`.

    The follower logs in as MQTT_USERNAME. The agent logs in as MQTT_WORKER_USERNAME if that is set, else as
    MQTT_USERNAME. A declared user who may only write never becomes the follower, because it would get no events.

    Raises:
        InvalidConnection: Settings are not valid, or a file of the declared broker is missing.
        ReconcilerError: The declared broker has no user who may read the events, or none who may write them.
    """
    if declared is None and not env.get("MQTT_BROKER"):
        return Route(Spool(folder), {LOCAL: True})
    if declared is None:
        return Route(broker_config_from_env(Settings(env=env), files), _publisher({}, env, files))
    reading = _without_login(env) if _only_writes(declared, env.get("MQTT_USERNAME", "")) else env
    return Route(
        _connection(_login(declared, _READERS), reading, files),
        _publisher(_login(declared, _WRITERS), env, files),
        _prefix(declared.topics),
    )


def writer(declared: Broker | None, env: Mapping[str, str], files: Files) -> Connection:
    """The connection that reconciler itself publishes with: from MQTT_*, else a declared user who may write.

    Raises:
        InvalidConnection: Settings are not valid, or a file of the declared broker is missing.
        ReconcilerError: No broker is declared or set, or the declared one has no user who may write.
    """
    if declared:
        return _connection(_login(declared, (Role.RECONCILER, Role.WORKER)), env, files)
    if not env.get("MQTT_BROKER"):
        raise ReconcilerError("there is no broker to publish to", fix="declare one in the manifest, or set MQTT_BROKER")
    return broker_config_from_env(Settings(env=env), files)


def queue_login(declared: Broker | None, env: Mapping[str, str], files: Files, runner: str = "") -> QueueLogin:
    """The connection to the boxes of jobs for other hosts: to submit, or as the host `runner` that does its jobs.

    Raises:
        InvalidConnection: Settings are not valid, or a file of the declared broker is missing.
        UsageError: No broker is declared or set.
        ReconcilerError: The declared broker has no user who may do this.
    """
    if declared is None and not env.get("MQTT_BROKER"):
        raise UsageError(
            "jobs for other hosts need a broker that all of them reach",
            fix="set MQTT_BROKER and a login (`reconciler broker env USER` prints them), declare `broker:`, "
            "or use a NATS server: `jobs: {backend: nats, server: tls://HOST:4222}`",
        )
    if declared is None:
        return QueueLogin(broker_config_from_env(Settings(env=env), files), TOPIC_PREFIX)
    users = tuple(each for each in declared.users if not runner or each.name == runner)
    role = Role.RUNNER if runner else Role.RECONCILER
    login = _login(replace(declared, users=users), (role,))
    return QueueLogin(_connection(login, env, files), _prefix(declared.topics))


def _login(broker: Broker, roles: tuple[Role, ...]) -> dict[str, Json]:
    """The settings of the declared broker's first user with one of these roles; earlier roles are preferred."""
    users = sorted((user for user in broker.users if user.role in roles), key=lambda user: roles.index(user.role))
    if not users:
        raise ReconcilerError(
            f"{broker.address} has no user with the role {' or '.join(roles)}",
            fix="declare a user with this role in the manifest",
        )
    name, listener = users[0].name, broker.listeners[0]
    paths = {"password_file": layout.password(name), "ca_certs": layout.CA_CERTIFICATE}
    if listener.mtls:
        paths |= {"certfile": layout.certificate(name), "keyfile": layout.key(name)}
    located = {setting: os.path.join(broker.directory, path) for setting, path in paths.items()}
    return {"host": broker.host, "port": listener.port, "tls": True, "username": name, **located}


def _connection(login: Mapping[str, Json], env: Mapping[str, str], files: Files) -> Connection:
    locked = _is_locked(login, files)
    known = {key: value for key, value in login.items() if key != "password_file"} if locked else login
    own = broker_config_from_env(Settings(explicit=known), files)
    connection = broker_config_from_env(Settings(env=env, manifest=own), files)
    if locked and connection.username == login["username"] and not (connection.password or connection.certfile):
        raise ReconcilerError(
            f"reconciler does not know the password of {connection.username}: it was set by hand",
            fix=f"enter it: reconciler broker user password {connection.username} {quote(_folder_of(login))}; "
            "or set MQTT_USERNAME and MQTT_PASSWORD",
        )
    return connection


def _folder_of(login: Mapping[str, Json]) -> str:
    """The folder of the login's broker."""
    return os.path.dirname(os.path.dirname(str(login["password_file"])))


def _is_locked(login: Mapping[str, Json], files: Files) -> bool:
    """Whether reconciler lacks the password of a user that was set by hand: all its other files are there."""
    secret = str(login.get("password_file") or "")
    settings = f"{secret.removesuffix('.password')}.env"
    return bool(secret) and isinstance(files.read(secret), Absent) and isinstance(files.read(settings), Present)


def _only_writes(broker: Broker, user: str) -> bool:
    return any(each.name == user and each.role not in _READERS for each in broker.users)


def _without_login(env: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in env.items() if name not in LOGIN}


def _as_worker(env: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with the login in MQTT_WORKER_* instead of the one in MQTT_*, if it is set."""
    if not env.get("MQTT_WORKER_USERNAME"):
        return env
    login = {name: env[worker] for name, worker in _WORKER.items() if env.get(worker)}
    return {**_without_login(env), **login}


def _publisher(login: Mapping[str, Json], env: Mapping[str, str], files: Files) -> Mapping[str, Json]:
    working = _as_worker(env)
    connection = _connection(login, working, files)
    block = {name: value for name, value in to_builtins(connection).items() if name != "password" and value != ""}
    if env.get("MQTT_WORKER_USERNAME") and env.get("MQTT_WORKER_PASSWORD_FILE"):
        return {**block, "password_file": os.path.abspath(os.path.expanduser(env["MQTT_WORKER_PASSWORD_FILE"]))}
    if working.get("MQTT_PASSWORD"):
        return {**block, "password_env": "MQTT_PASSWORD" if working is env else _WORKER["MQTT_PASSWORD"]}
    return {**block, "password_file": login["password_file"]} if connection.password else block


def _prefix(topics: Iterable[str]) -> str:
    return next(iter(prefixes(topics)), TOPIC_PREFIX)
