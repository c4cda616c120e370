"""Check the settings of a broker: names and topics become part of files that other programs parse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address

from reconciler.model.address import is_name
from reconciler.model.broker import Broker, Role
from reconciler.model.diagnostic import Diagnostic, Severity

from . import acl, conf

_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*"
)

_EXPANDED = frozenset('"$%\\')  # expanded by systemd in units, and by compose
LIMITS = {
    "connections": "max_connections",
    "packet_size": "max_packet_size",
    "queued_messages": "max_queued_messages",
    "inflight_messages": "max_inflight_messages",
    "keepalive": "max_keepalive",
}


def mistakes(broker: Broker) -> tuple[Diagnostic, ...]:
    """Find everything in the settings that is not valid."""
    rules = (_directory, _hosts, _listeners, _users, _topics, _tls, _limits)
    found = [each for rule in rules for each in rule(broker)]
    address = str(broker.address)
    return tuple(
        Diagnostic(severity=Severity.ERROR, summary=what, detail="", fix=fix, address=address, place=broker.place)
        for what, fix in found
    )


def is_host(text: str) -> bool:
    """Whether `text` is an IP address or a host name in ASCII."""
    try:
        ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def _directory(broker: Broker) -> Iterator[tuple[str, str]]:
    directory = broker.directory
    if not directory.startswith("/"):
        yield f"{directory!r} is not an absolute path", "write the broker's directory as a path that begins with /"
    if not directory.isprintable() or directory != directory.strip() or _EXPANDED & set(directory):
        yield (
            f"{directory!r} cannot be written in a configuration file",
            "choose a directory without special characters",
        )


def _hosts(broker: Broker) -> Iterator[tuple[str, str]]:
    for name in (broker.host, *broker.names):
        if not is_host(name):
            yield f"{name!r} is not a host name or address", "write a name such as mqtt.internal, or an IP address"


def _listeners(broker: Broker) -> Iterator[tuple[str, str]]:
    if not broker.listeners:
        yield "there is no listener", "add one with a port"
    for listener in broker.listeners:
        if not 1 <= listener.port <= 65535:
            yield (
                f"{listener.port} is not a port",
                "choose one from 1 to 65535; the usual one for MQTT over TLS is 8883",
            )
        if listener.bind and not is_host(listener.bind):
            yield (
                f"{listener.bind!r} is not an address to listen on",
                "write an address of this machine, or leave it out",
            )
    for port in _repeated([listener.port for listener in broker.listeners]):
        yield f"two listeners have the port {port}", "give each listener its own port"


def _users(broker: Broker) -> Iterator[tuple[str, str]]:
    for user in broker.users:
        if not is_name(user.name) or len(user.name) > 64:  # the limit of a common name (RFC 5280)
            yield (
                f"{user.name!r} is not a user name",
                "use up to 64 letters, digits, - and _, and begin with a letter or digit",
            )
        if (user.role is Role.CUSTOM) != bool(user.grants):
            yield (
                f"user {user.name} has the role {user.role} and {len(user.grants)} ACL lines",
                "use ACL lines only with the role custom, and that role only with ACL lines",
            )
    for name in _repeated([user.name for user in broker.users]):
        yield f"user {name} is declared twice", "keep one of the entries"


def _topics(broker: Broker) -> Iterator[tuple[str, str]]:
    own = [grant.topic for user in broker.users for grant in user.grants]
    for topic in (*broker.topics, *own):
        problem = acl.filter_problem(topic)
        if problem or topic != topic.strip():
            yield problem or f"{topic!r} begins or ends with a space", "write an MQTT topic filter"


def _tls(broker: Broker) -> Iterator[tuple[str, str]]:
    tls = broker.tls
    if bool(tls.ca_cert) != bool(tls.ca_key):
        yield "the given CA needs two files, but only one is named", "name its certificate and its key"
    if tls.leaf_days < 1 or tls.ca_days < tls.leaf_days:
        yield "certificates must be valid for at least a day, and the CA at least as long", "correct the lifetimes"


def _limits(broker: Broker) -> Iterator[tuple[str, str]]:
    for name, option in LIMITS.items():
        value, (low, high) = getattr(broker.limits, name), conf.BOUNDS[option]
        if not low <= value <= high:
            yield f"limit {name} is {value}", f"choose a number from {low} to {high}"
    if broker.limits.expiry < 1:
        yield f"limit expiry is {broker.limits.expiry}", "keep sessions for at least a day"


def _repeated(values: list[int] | list[str]) -> list[int | str]:
    return [value for value, count in Counter[int | str](values).items() if count > 1]
