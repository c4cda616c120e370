"""TLS connections to a broker: a strict context, and a named cause for each failure."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from typing import Any

from msgspec import Struct

from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError

from . import own_files
from .bus import BusUnreachable, Cause

# X509_V_ERR_* of OpenSSL (x509_vfy.h): not yet valid, expired; hostname, IP address mismatch
_OUT_OF_DATE = {9, 10}
_OTHER_NAME = {62, 64}

_WORDS: dict[Cause, tuple[str, str]] = {
    Cause.NO_ANSWER: ("{at} does not answer", "make sure that the broker runs, and that host and port are correct"),
    Cause.NO_TLS: ("{at} does not speak TLS", "use the broker's TLS port, or switch TLS off (MQTT_TLS=0)"),
    Cause.UNTRUSTED: ("the certificate of {at} is not trusted", "set MQTT_CA_CERTS to the certificate of its CA"),
    Cause.WRONG_NAME: (
        "the certificate of {at} is for another name",
        "connect with a name in the certificate, or add this name to `names` of the broker",
    ),
    Cause.EXPIRED: ("the certificate of {at} has expired or is not valid yet", "run `reconciler broker rotate server`"),
    Cause.CLIENT_CERTIFICATE: (
        "{at} closed the connection: client certificate missing, expired, revoked or untrusted",
        "set MQTT_CERTFILE and MQTT_KEYFILE to a valid one; to make one: reconciler broker rotate client NAME",
    ),
    Cause.CLOSED: (
        "{at} closed the connection without an answer",
        "if the port needs TLS, set MQTT_TLS=1; else read the broker's log",
    ),
}


class _Socket(ssl.SSLSocket):
    """Closes itself when its handshake fails. The libraries that use it do not."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Peer(Struct, frozen=True):
    """What the server showed in a handshake: TLS version, names, and validity of the certificate (Unix seconds)."""

    version: str
    names: tuple[str, ...]
    not_before: int
    not_after: int


def client_context(connection: Connection) -> ssl.SSLContext:
    """A context that trusts only the connection's CA; without one, the CAs of the system.

    A CA that the user names gets only OpenSSL's default checks: common instructions create CAs without keyUsage. The
    system's CAs must pass every strict check, which is also Python's default from 3.13 on.

    Raises:
        ReconcilerError: The CA, the client's certificate or its key cannot be used.
    """
    try:
        _refuse_strange(connection.ca_certs)
        context = ssl.create_default_context(cafile=connection.ca_certs or None)
    except OSError as error:
        raise _unusable("CA", connection.ca_certs, error) from error
    if connection.ca_certs:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    else:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Socket
    try:
        if connection.certfile:
            _refuse_strange(connection.certfile, connection.keyfile)
            # with a password given, OpenSSL does not ask for one on the terminal
            context.load_cert_chain(connection.certfile, connection.keyfile, password="")
    except OSError as error:
        raise _unusable("client certificate", f"{connection.certfile}, {connection.keyfile}", error) from error
    return context


def strict_context(connection: Connection) -> ssl.SSLContext:
    """Like `client_context`, but with every strict check of RFC 5280 for a named CA too. Raises ReconcilerError."""
    context = client_context(connection)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def _refuse_strange(*paths: str) -> None:
    """Raise OSError for anything but a regular file: OpenSSL would wait for the writer of a pipe."""
    for path in filter(None, paths):
        with own_files.regular(path):
            pass


def reach(connection: Connection, patience: float) -> None:
    """Check that something listens at host and port.

    Raises:
        BusUnreachable: Nothing accepts the connection within `patience` seconds.
    """
    try:
        socket.create_connection((connection.host, connection.port), patience).close()
    except OSError as error:
        raise failure(connection, error) from error


def handshake(connection: Connection, context: ssl.SSLContext, name: str, patience: float) -> Peer:
    """Make a TLS handshake with the broker under the name `name`, and disconnect.

    Raises:
        BusUnreachable: It does not answer within `patience` seconds, or the context does not trust it.
    """
    try:
        with (
            closing(socket.create_connection((connection.host, connection.port), patience)) as plain,
            closing(context.wrap_socket(plain, server_hostname=name)) as secure,
        ):
            return _peer(secure)
    except OSError as error:
        raise failure(connection, error) from error


def failure(connection: Connection, error: OSError) -> BusUnreachable:
    """The error with a named cause for the `OSError` of a connection attempt."""
    return unreachable(connection, _cause(connection, error), error.strerror or str(error))


def unreachable(connection: Connection, cause: Cause, detail: str = "") -> BusUnreachable:
    """The error for a connection that could not be made."""
    summary, fix = _WORDS[cause]
    return BusUnreachable(cause, summary.format(at=f"{connection.host}:{connection.port}"), detail=detail, fix=fix)


def _cause(connection: Connection, error: OSError) -> Cause:
    match error:
        case ssl.SSLCertVerificationError(verify_code=code):
            return (
                Cause.EXPIRED if code in _OUT_OF_DATE else Cause.WRONG_NAME if code in _OTHER_NAME else Cause.UNTRUSTED
            )
        case ssl.SSLError(reason=str(reason)) if "ALERT" in reason:
            return Cause.CLIENT_CERTIFICATE
        case ssl.SSLError():
            return Cause.NO_TLS
        case ConnectionResetError() if connection.tls:
            return Cause.NO_TLS
        case _:
            return Cause.NO_ANSWER


def _peer(secure: ssl.SSLSocket) -> Peer:
    certificate: dict[str, Any] = dict(secure.getpeercert() or {})
    return Peer(
        version=secure.version() or "",
        names=tuple(name for _kind, name in certificate.get("subjectAltName", ())),
        not_before=int(ssl.cert_time_to_seconds(certificate["notBefore"])),
        not_after=int(ssl.cert_time_to_seconds(certificate["notAfter"])),
    )


def _unusable(what: str, path: str, error: OSError) -> ReconcilerError:
    detail = error.strerror or str(error)
    return ReconcilerError(f"the {what} cannot be used: {path}", detail=detail, fix="name a readable PEM file")
