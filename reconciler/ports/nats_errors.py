"""What a NATS server can refuse or fail at, as errors for the user: the cause, what was tried, and the way out."""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.model.broker import Connection
from reconciler.model.errors import UsageError
from reconciler.model.job_server import JobServer

from .bus import BusRefused, BusUnreachable, Cause
from .tls import failure

_SCHEMES = ("nats", "tls")
_PORT = 4222
_AWAY: dict[Cause, tuple[str, str]] = {
    Cause.NO_ANSWER: ("{at} does not answer", "make sure that the NATS server runs, and that its `url` is correct"),
    Cause.NO_TLS: ("{at} does not speak TLS", "switch TLS on in the NATS server, or use a `url` with nats://"),
    Cause.UNTRUSTED: ("the certificate of {at} is not trusted", "set `ca_certs` to the certificate of its CA"),
    Cause.WRONG_NAME: ("the certificate of {at} is for another name", "use a name of the certificate in the `url`"),
    Cause.EXPIRED: ("the certificate of {at} has expired or is not valid yet", "give the NATS server a valid one"),
    Cause.CLIENT_CERTIFICATE: (
        "{at} closed the connection: client certificate missing, expired, revoked or untrusted",
        "set `certfile` and `keyfile` to a valid one",
    ),
    Cause.CLOSED: ("{at} closed the connection without an answer", "read the log of the NATS server"),
    Cause.OTHER: ("{at} does not speak NATS", "make sure that the `url` has the port for clients"),
}
_NO: dict[Cause, tuple[str, str]] = {
    Cause.BAD_LOGIN: ("the NATS server refuses the login of {who}", "correct the user name or the password"),
    Cause.NOT_AUTHORISED: (
        "the NATS server does not allow {who} to do this: {what}",
        "grant it in the permissions of the NATS server, or use another user",
    ),
    Cause.TOO_LARGE: ("too large: {what}", "send a smaller message, or raise `max_payload` of the NATS server"),
    Cause.QUOTA: ("a limit of the NATS server is reached: {what}", "raise the limits of the NATS server, or send less"),
    Cause.CLOSED: ("the NATS server ended the connection of {who}", "read the log of the NATS server"),
    Cause.OTHER: ("the NATS server refused: {what}", "read the log of the NATS server"),
}


def addresses(server: JobServer) -> tuple[str, ...]:
    """The addresses of the server, each as `SCHEME://HOST:PORT`. Raises UsageError, which shows no password."""
    return tuple(_address(each.strip()) for each in server.url.split(","))


def wants_tls(server: JobServer) -> bool:
    """Whether the connection must be encrypted, whatever the server says."""
    return "tls://" in server.url or bool(server.ca_certs or server.certfile)


def as_connection(server: JobServer) -> Connection:
    """What the TLS functions need to know."""
    first = urlsplit(addresses(server)[0])
    return Connection(
        host=first.hostname or "",
        port=first.port or _PORT,
        tls=wants_tls(server),
        ca_certs=server.ca_certs,
        certfile=server.certfile,
        keyfile=server.keyfile,
    )


def cause_of(server: JobServer, error: OSError) -> Cause:
    """The named cause of a failed attempt to connect."""
    return failure(as_connection(server), error).cause


def away(server: JobServer, cause: Cause, detail: str = "") -> BusUnreachable:
    """The error for a server that could not be reached, or did not answer."""
    summary, fix = _AWAY[cause]
    return BusUnreachable(cause, summary.format(at=where(server)), detail=detail, fix=fix)


def no(server: JobServer, cause: Cause, what: str, detail: str = "") -> BusRefused:
    """The error for something that the server refused."""
    summary, fix = _NO[cause]
    who = server.username or "a client without a user name"
    return BusRefused(cause, summary.format(who=who, what=what), detail=detail, fix=fix)


def where(server: JobServer) -> str:
    """The host and port of each address."""
    return ", ".join(each.partition("://")[2] for each in addresses(server))


def _address(text: str) -> str:
    try:
        parts = urlsplit(text if "://" in text else f"nats://{text}")
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        raise _not_an_address() from None
    if not host or parts.scheme not in _SCHEMES or parts.username is not None or parts.path.strip("/"):
        raise _not_an_address()
    return f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"


def _not_an_address() -> UsageError:
    fix = "write `nats://HOST:PORT` or `tls://HOST:PORT`; the login has its own keys"
    return UsageError("the `url` of the NATS server is not valid", fix=fix)
