"""Choose the brokers to follow jobs at: the project's, and those that records of the original scripts name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.broker.clients.connection import Settings, broker_config_from_env
from reconciler.model.broker import Connection, EventWay, Spool, is_local
from reconciler.model.job import Happening, Job
from reconciler.model.redacted import Redacted
from reconciler.ports.world import Files

from .follow import Follower
from .reading import Recorded
from .record import Records
from .route import LOGIN

_CHOSEN = "MQTT_BROKER"


class Listening(Redacted, frozen=True):
    """One way for events, and the jobs that are followed over it; `warning` is what may keep their events away."""

    way: EventWay
    job_ids: tuple[str, ...]
    warning: str = ""
    """Why events may not arrive over this connection; empty without a reason."""


def listenings(found: Iterable[Recorded], ours: EventWay, records: Records) -> tuple[Listening, ...]:
    """One for each broker. `ours` is how the project's followers listen; MQTT_BROKER makes it that of all jobs.

    Jobs whose events go through files are always heard there; and where ours do, other jobs at their own broker.

    Raises:
        InvalidConnection: The settings in a record are not valid.
    """
    groups: dict[EventWay, list[Job]] = {}
    for each in found:
        groups.setdefault(_way(each, ours, records), []).append(each.job)
    return tuple(
        Listening(way, tuple(job.id for job in jobs), "" if way is ours else _warning(way, records.env))
        for way, jobs in groups.items()
    )


def _way(each: Recorded, ours: EventWay, records: Records) -> EventWay:
    if is_local(each.job.broker):
        return ours if isinstance(ours, Spool) else Spool(records.folder)
    is_elsewhere = (each.is_older or isinstance(ours, Spool)) and not records.env.get(_CHOSEN)
    if is_elsewhere and _names_another(each.job, ours):
        return _its_own(each.job, records.env, records.files)
    return ours


def _names_another(job: Job, ours: EventWay) -> bool:
    host = str(job.broker.get("host") or "")
    port = str(job.broker.get("port") or Connection().port)
    if isinstance(ours, Spool):
        return bool(host)
    return bool(host) and (host.lower(), port) != (ours.host.lower(), str(ours.port))


def _its_own(job: Job, env: Mapping[str, str], files: Files) -> Connection:
    """The connection to the broker in the record: with the login in MQTT_*, else with that of the record.

    The login in a record is meant for publishers, so it may not be allowed to read.
    """
    named = broker_config_from_env(Settings(job=job.broker, env=env), files)
    login = {name: env[name] for name in LOGIN if env.get(name)}
    return broker_config_from_env(Settings(env=login, manifest=named), files) if login else named


def _warning(way: EventWay, env: Mapping[str, str]) -> str:
    if isinstance(way, Spool) or not way.username or env.get("MQTT_USERNAME"):
        return ""
    return (
        f"listening at {way.host}:{way.port} as {way.username}, the login in the job's record: if "
        "that may only write, no event is heard; give one that may read in MQTT_USERNAME and MQTT_PASSWORD"
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
