"""At which brokers jobs are listened to: at the project's, and at those that records of the original scripts name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.broker.clients.connection import Settings, broker_config_from_env
from reconciler.model.broker import Connection
from reconciler.model.discreet import Discreet
from reconciler.model.job import Happening, Job
from reconciler.ports.world import Files

from .follow import Follower
from .reading import Recorded
from .route import LOGIN

_CHOSEN = "MQTT_BROKER"


class Listening(Discreet, frozen=True):
    """One connection, and the jobs that are followed over it; `warning` is what may keep their events away."""

    connection: Connection
    job_ids: tuple[str, ...]
    warning: str = ""


def listenings(
    found: Iterable[Recorded], ours: Connection, env: Mapping[str, str], files: Files
) -> tuple[Listening, ...]:
    """One for each broker. `ours` is how the project's followers listen; MQTT_BROKER makes it that of all jobs.

    Raises:
        InvalidConnection: The settings in a record make no sense.
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
    """As MQTT_USERNAME where that is set, else with the login of the record, which is made for publishers."""
    named = broker_config_from_env(Settings(job=job.broker, env=env), files)
    login = {name: env[name] for name in LOGIN if env.get(name)}
    return broker_config_from_env(Settings(env=login, manifest=named), files) if login else named


def _warning(connection: Connection, env: Mapping[str, str]) -> str:
    if not connection.username or env.get("MQTT_USERNAME"):
        return ""
    return (
        f"listening at {connection.host}:{connection.port} as {connection.username}, the login in the job's record: if "
        "that may only write, no event is heard; give one that may read in MQTT_USERNAME and MQTT_PASSWORD"
    )


class Followers:
    """Followers of several brokers, as one `Follower`."""

    def __init__(self, followers: Iterable[Follower]) -> None:
        self._followers = tuple(followers)

    @property
    def open(self) -> tuple[str, ...]:
        """The jobs that have not ended."""
        return tuple(job_id for each in self._followers for job_id in each.open)

    def step(self, seconds: float) -> list[Happening]:
        """What happened since the last step, everywhere; raises what `Follower.step` raises."""
        share = seconds / len(self._followers)
        return [happening for each in self._followers for happening in each.step(share)]
