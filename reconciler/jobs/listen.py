"""Choose the brokers to follow jobs at: the project's, and those that records of the original scripts name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.broker.clients.connection import Settings, broker_config_from_env
from reconciler.model.broker import Connection
from reconciler.model.job import Happening, Job
from reconciler.model.redacted import Redacted
from reconciler.ports.world import Files

from .follow import Follower
from .reading import Recorded
from .route import LOGIN

_CHOSEN = "MQTT_BROKER"


class Listening(Redacted, frozen=True):
    """One connection, and the jobs that are followed over it."""

    connection: Connection
    job_ids: tuple[str, ...]
    warning: str = ""
    """Why events may not arrive over this connection; empty without a reason."""


def listenings(
    found: Iterable[Recorded], ours: Connection, env: Mapping[str, str], files: Files
) -> tuple[Listening, ...]:
    """Group the jobs by broker. `ours` is the project's connection; if MQTT_BROKER is set, all jobs use it.

    Raises:
        InvalidConnection: The settings in a record are not valid.
    """
    groups: dict[Connection, list[Job]] = {}
    for each in found:
        is_elsewhere = each.is_older and not env.get(_CHOSEN) and _names_another(each.job, ours)
        connection = _its_own(each.job, env, files) if is_elsewhere else ours
        groups.setdefault(connection, []).append(each.job)
    return tuple(
        Listening(connection, tuple(job.id for job in jobs), "" if connection is ours else _warning(connection, env))
        for connection, jobs in groups.items()
    )


def _names_another(job: Job, ours: Connection) -> bool:
    host = str(job.broker.get("host") or "")
    port = str(job.broker.get("port") or Connection().port)
    return bool(host) and (host.lower(), port) != (ours.host.lower(), str(ours.port))


def _its_own(job: Job, env: Mapping[str, str], files: Files) -> Connection:
    """The connection to the broker in the record: with the login in MQTT_*, else with that of the record.

    The login in a record is meant for publishers, so it may not be allowed to read.
    """
    named = broker_config_from_env(Settings(job=job.broker, env=env), files)
    login = {name: env[name] for name in LOGIN if env.get(name)}
    return broker_config_from_env(Settings(env=login, manifest=named), files) if login else named


def _warning(connection: Connection, env: Mapping[str, str]) -> str:
    if not connection.username or env.get("MQTT_USERNAME"):
        return ""
    return (
        f"following jobs at {connection.host}:{connection.port} as {connection.username}, the user in its record: "
        "if that user may only write, no events arrive; set MQTT_USERNAME and MQTT_PASSWORD to a user who may read"
    )


class Followers:
    """Several followers, one for each broker, that work like one `Follower`."""

    def __init__(self, followers: Iterable[Follower]) -> None:
        self._followers = tuple(followers)

    @property
    def open(self) -> tuple[str, ...]:
        """The ids of the jobs that have not ended."""
        return tuple(job_id for each in self._followers for job_id in each.open)

    def step(self, seconds: float) -> list[Happening]:
        """Return what happened at all brokers since the last step. Raises what `Follower.step` raises."""
        share = seconds / len(self._followers)
        return [happening for each in self._followers for happening in each.step(share)]
