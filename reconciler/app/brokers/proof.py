"""Tell the probes of a broker as they come, and what they come to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from reconciler.app.project.project import Project
from reconciler.broker.connection import PUBLIC_WARNING, Settings, broker_config_from_env, is_public
from reconciler.broker.verify.probe import Principal, Target
from reconciler.broker.verify.run import verify
from reconciler.model.broker import JOB_EVENTS, Connection
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.model.proof import Probe
from reconciler.render.broker import probe_document, probe_text, proof_document, proof_text
from reconciler.render.door import tell_json
from reconciler.render.terminal import show, wants_colour


def prove(at: Project, address: str, probes: Callable[[], Iterable[Probe]], *, as_json: bool) -> int:
    """Make the probes; 0 when none failed, 1 when one did, else the code of what kept them from being made."""
    made: list[Probe] = []
    try:
        for probe in probes():
            made.append(probe)
            _tell(at, probe, as_json=as_json)
    except ReconcilerError as error:
        if not as_json:
            raise
        tell_json(proof_document(address, made, error.diagnostics))
        return error.exit_code
    document = proof_document(address, made, ())
    if as_json:
        tell_json(document)
    else:
        show(proof_text(document), sys.stdout, at.env)
    return ExitCode.OK if document["passed"] else ExitCode.ERROR


def from_environment(at: Project, *, as_json: bool) -> int:
    """The same for the broker that the MQTT_* variables lead to, of which nothing else is known."""

    def probes() -> Iterator[Probe]:
        connection = broker_config_from_env(Settings(env=at.env), at.files)
        if is_public(connection):
            show([f"Warning: {PUBLIC_WARNING}"], sys.stderr, at.env)
        yield from verify(_target(connection), at.clock)

    return prove(at, "", probes, as_json=as_json)


def _target(connection: Connection) -> Target:
    return Target(
        principals=(Principal(connection.username or "anonymous", connection),),
        topics=(JOB_EVENTS,),
        certified=connection if connection.certfile else None,
    )


def _tell(at: Project, probe: Probe, *, as_json: bool) -> None:
    if as_json:
        return
    show(probe_text(probe_document(probe), symbols=wants_colour(sys.stdout, at.env)), sys.stdout, at.env)
    sys.stdout.flush()
