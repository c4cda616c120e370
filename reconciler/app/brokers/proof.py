"""Run the probes of a broker one by one, and make the document of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from reconciler.app.project.project import Project
from reconciler.broker.clients.connection import PUBLIC_WARNING, Settings, broker_config_from_env, is_public
from reconciler.broker.verify.probe import Principal, ProofTarget
from reconciler.broker.verify.run import verify
from reconciler.model.broker import JOB_EVENTS, Broker, BrokerWarning, Connection
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.proof import Probe
from reconciler.render.broker import proof_document
from reconciler.render.documents.broker_verify import ProofDoc


class ProofEnded(Struct, frozen=True):
    """Every probe that was made; `error` is why the others were not."""

    document: ProofDoc
    error: ReconcilerError | None = None


ProofEvent: TypeAlias = Probe | BrokerWarning | ProofEnded


def prove(address: str, events: Callable[[], Iterable[Probe | BrokerWarning]]) -> Iterator[ProofEvent]:
    """Run the probes; the last event is `ProofEnded`. Errors become part of it and are not raised."""
    made: list[Probe] = []
    error: ReconcilerError | None = None
    try:
        for event in events():
            if isinstance(event, Probe):
                made.append(event)
            yield event
    except ReconcilerError as raised:
        error = raised
    yield ProofEnded(proof_document(address, made, error.diagnostics if error else ()), error)


def prove_broker(at: Project, broker: Broker, *, restart: bool) -> Iterator[ProofEvent]:
    """Run the probes of a broker of the project; with `restart`, also those that stop and start it."""
    return prove(str(broker.address), lambda: at.brokers.real.proofs(broker, restart=restart))


def prove_from_environment(at: Project) -> Iterator[ProofEvent]:
    """Run the probes on the broker that the MQTT_* variables name; its settings are not known."""

    def events() -> Iterator[Probe | BrokerWarning]:
        connection = broker_config_from_env(Settings(env=at.env), at.files)
        if not at.env.get("MQTT_BROKER"):
            raise UsageError("MQTT_BROKER is not set: no broker is named", fix='eval "$(reconciler broker env USER)"')
        if is_public(connection):
            yield BrokerWarning(PUBLIC_WARNING)
        yield from verify(_target(connection), at.clock)

    return prove("", events)


def _target(connection: Connection) -> ProofTarget:
    return ProofTarget(
        principals=(Principal(connection.username or "anonymous", connection),),
        topics=(JOB_EVENTS,),
        certified=connection if connection.certfile else None,
    )
