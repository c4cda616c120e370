"""Probes of TLS: clients trust only the right server, and no other port is open."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec.structs import replace

from reconciler.broker.keys.certificates import REISSUE_CA
from reconciler.model.broker import Connection
from reconciler.model.errors import Unreachable
from reconciler.model.moment import to_day
from reconciler.ports.bus import BusRefused, BusUnreachable, Cause
from reconciler.ports.mqtt import connect
from reconciler.ports.tls import Peer, client_context, handshake, reach, strict_context
from reconciler.ports.world import Clock

from .context import ProofContext
from .probe import Check, Failed, ProofTarget, Warned

_WRONG_NAME = "another-name.invalid"  # RFC 6761: no host ever has this name
_ROTATE = "reconciler broker rotate server"
_REISSUE = f"issue the CA's certificate again and copy it to the clients; the broker's stays valid: {REISSUE_CA}"
_WEEK = timedelta(days=7)

LONG_ENOUGH = "the certificate does not expire within a week"


def checks(scene: ProofContext, clock: Clock) -> Iterator[Check]:
    """The probes of TLS, in order."""
    connection, patience = scene.target.principals[0].connection, scene.target.patience
    yield Check(
        id="tls.plaintext",
        subject="",
        expected="a client without TLS gets no answer",
        fix="set certfile and keyfile for this listener, and let clients use TLS (MQTT_TLS=1)",
        run=partial(_plaintext, connection, patience),
    )
    yield from _shown(connection, patience, clock)
    yield from _refusals(connection, patience)
    for port in scene.target.closed_ports:
        yield Check(
            id="tls.stray_listener",
            subject=str(port),
            expected="nothing listens on a port that is not declared",
            fix="remove the listener from the configuration, or stop what listens there",
            run=partial(_no_listener, scene.target, replace(connection, port=port)),
        )


def _shown(connection: Connection, patience: float, clock: Clock) -> Iterator[Check]:
    yield Check(
        id="tls.chain",
        subject="",
        expected="the CA has issued the certificate, which is valid today",
        fix=f"{_ROTATE}, or give the CA that issued it (MQTT_CA_CERTS)",
        run=partial(_chain, connection, patience),
        needs=("tls.plaintext",),
    )
    yield Check(
        id="tls.strict",
        subject="",
        expected="CA and certificate pass the strict checks that some clients make",
        fix=_REISSUE,
        run=partial(_strict, connection, patience),
        needs=("tls.chain",),
    )
    yield Check(
        id="tls.name",
        subject=connection.host,
        expected="the certificate is for the name by which clients reach the broker",
        fix=f"add the name to the broker's `names`, then {_ROTATE}",
        run=partial(_name, connection, patience),
        needs=("tls.chain",),
    )
    yield Check(
        id="expiry.server",
        subject="",
        expected=LONG_ENOUGH,
        fix=_ROTATE,
        run=partial(_expiry, connection, patience, clock),
        needs=("tls.chain",),
    )


def _refusals(connection: Connection, patience: float) -> Iterator[Check]:
    yield Check(
        id="tls.wrong_ca",
        subject="",
        expected="a client that does not trust the CA turns away",
        fix="report this: the client does not verify certificates",
        run=partial(_wrong_ca, connection, patience),
        needs=("tls.chain",),
    )
    yield Check(
        id="tls.wrong_name",
        subject="",
        expected="a client that asks for another name turns away",
        fix="issue the certificate for the broker's names only",
        run=partial(_wrong_name, connection, patience),
        needs=("tls.chain",),
    )


def days_left(now: datetime, not_before: datetime, not_after: datetime) -> str:
    """How long a certificate is still valid. Raises Failed when that is less than a week.

    For a lifetime of less than three weeks, the limit is a third of it.
    """
    left, life = not_after - now, not_after - not_before
    validity = f"good until {to_day(not_after)}, {left.days} of {life.days} days left"
    if left < min(_WEEK, life / 3):
        raise Failed(validity)
    return f"{validity}, due to be renewed" if left < life / 3 else validity


def _plaintext(connection: Connection, patience: float) -> str:
    if not connection.tls:
        raise Failed("the settings do not use TLS")
    try:
        connect(replace(connection, tls=False, username="", password=""), patience=patience).close()
    except BusUnreachable as error:
        return error.summary
    except BusRefused as error:
        raise Failed(f"the broker answered in clear text: {error.summary}") from error
    raise Failed("the broker let a client in without TLS")


def _chain(connection: Connection, patience: float) -> str:
    peer = _peer(connection, patience)
    return f"{peer.version}, names {', '.join(peer.names) or 'none'}, good until {to_day(_moment(peer.not_after))}"


def _name(connection: Connection, patience: float) -> str:
    handshake(connection, client_context(connection), connection.host, patience)
    return "it is"


def _wrong_ca(connection: Connection, patience: float) -> str:
    trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusts_nobody.check_hostname = False
    return _expect_refusal(connection, trusts_nobody, Cause.UNTRUSTED, patience)


def _wrong_name(connection: Connection, patience: float) -> str:
    return _expect_refusal(connection, client_context(connection), Cause.WRONG_NAME, patience)


def _expect_refusal(connection: Connection, context: ssl.SSLContext, cause: Cause, patience: float) -> str:
    try:
        handshake(connection, context, _WRONG_NAME, patience)
    except BusUnreachable as error:
        if error.cause is cause:
            return error.detail
        raise
    raise Failed("the client went on")


def _expiry(connection: Connection, patience: float, clock: Clock) -> str:
    peer = _peer(connection, patience)
    return days_left(clock.now(), _moment(peer.not_before), _moment(peer.not_after))


def _no_listener(target: ProofTarget, connection: Connection) -> str:
    try:
        reach(connection, target.patience)
    except Unreachable:
        return "nothing answers"
    stranger = target.strangers(connection.port)
    if stranger:
        raise Warned(f"{stranger} listens, which is not this broker")
    raise Failed("something listens")


def _strict(connection: Connection, patience: float) -> str:
    """Only warn: our clients connect anyway, but others do not, such as those of Python 3.13."""
    context = strict_context(connection)
    context.check_hostname = False
    try:
        handshake(connection, context, connection.host, patience)
    except BusUnreachable as error:
        if error.cause is Cause.UNTRUSTED:
            raise Warned(error.detail) from error
        raise
    return "they do"


def _peer(connection: Connection, patience: float) -> Peer:
    """The certificate that the broker shows to a client that checks everything except the name."""
    context = client_context(connection)
    context.check_hostname = False
    return handshake(connection, context, connection.host, patience)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
