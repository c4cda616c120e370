"""Look at the broker that jobs use: its files, its process, and whether it answers."""

from __future__ import annotations

from functools import partial

from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.jobs.route import route
from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.ports.tls import Peer, client_context, handshake, reach

from .attempts import attempt
from .facts import BrokerFacts, ProjectFacts

_PATIENCE = 5.0  # seconds


def look_at_broker(at: Project, project: ProjectFacts) -> BrokerFacts:
    """The broker that the manifests declare, else the one that MQTT_BROKER names. It does not log in."""
    if project.mistakes or isinstance(project.manifests, Unknown):
        unread = Unknown("the manifests cannot be read", "reconciler validate")
        return BrokerFacts(declared=unread, way=unread)
    found = attempt(partial(broker_of, at, project.desired))
    if isinstance(found, Unknown):
        return BrokerFacts(declared=found, way=found)
    broker = found.value if isinstance(found, Present) else None
    way = attempt(lambda: route(broker, at.env, at.files, at.own_folders[1]).follower)
    connection = way.value if isinstance(way, Present) and isinstance(way.value, Connection) else None
    return BrokerFacts(
        declared=Present(broker) if broker else ABSENT,
        way=Present(connection) if connection else way if isinstance(way, Unknown) else ABSENT,
        status=attempt(partial(at.brokers.real.status, broker)) if broker else ABSENT,
        mistakes=attempt(partial(at.brokers.real.mistakes, broker)) if broker else ABSENT,
        answer=_answer(connection) if connection else ABSENT,
    )


def _answer(way: Connection) -> Observed[Peer | None]:
    """Connect, make a TLS handshake if the settings say so, and disconnect."""
    try:
        if way.tls:
            return Present(handshake(way, client_context(way), way.host, _PATIENCE))
        reach(way, _PATIENCE)
    except ReconcilerError as error:
        return Unknown(": ".join(filter(None, (error.summary, error.detail))), error.fix)
    return Present(None)
