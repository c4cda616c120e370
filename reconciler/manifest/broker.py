"""Make the `Broker` that a manifest declares, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from reconciler.model.address import broker_address
from reconciler.model.broker import (
    DEFAULT_USERS,
    Access,
    Broker,
    BrokerUser,
    Grant,
    KeyKind,
    Limits,
    Listener,
    Role,
    Target,
    Tls,
)

from .document import ManifestContext
from .expand import absolute
from .merge import DEFAULT_BROKER, Block

_NOTHING: Mapping[str, Any] = {}


def broker(name: str, block: Block, context: ManifestContext) -> Broker:
    """The broker that `block` declares."""
    given = block.content
    defaults = Broker(broker_address(name), "")
    host = given.get("host", defaults.host)
    folder = ".hermes/broker" if name == DEFAULT_BROKER else f".hermes/broker-{name}"
    return Broker(
        address=defaults.address,
        directory=absolute(given.get("dir", folder), context),
        host=host,
        names=tuple(given.get("names", ())),
        listeners=tuple(_listener(each, host) for each in given.get("listeners", (_NOTHING,))),
        users=tuple(_user(*each) for each in given["users"].items()) if "users" in given else DEFAULT_USERS,
        topics=tuple(given.get("topics", defaults.topics)),
        demo_topic=given.get("demo_topic", defaults.demo_topic),
        tls=_tls(given.get("tls", _NOTHING), context),
        persistence=given.get("persistence", defaults.persistence),
        limits=Limits(**given.get("limits", _NOTHING)),
        target=Target(given.get("target", defaults.target)),
        place=block.place(),
    )


def _listener(given: Mapping[str, Any], host: str) -> Listener:
    bind = given.get("bind", "127.0.0.1" if _is_loopback(host) else "")
    return Listener(given.get("port", Listener().port), bind, given.get("mtls", False))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _user(name: str, given: str | Mapping[str, Any]) -> BrokerUser:
    if isinstance(given, str):
        return BrokerUser(name, Role(given))
    return BrokerUser(name, Role.CUSTOM, tuple(_grant(line) for line in given["acl"]))


def _grant(line: str) -> Grant:
    """An ACL line. Without an access word, it allows reading and writing, as in Mosquitto's own file."""
    word, _, topic = line.partition(" ")
    if topic and word in set(Access):
        return Grant(Access(word), topic)
    return Grant(Access.READWRITE, line)


def _tls(given: Mapping[str, Any], context: ManifestContext) -> Tls:
    ca = given.get("ca", _NOTHING)
    plain = {key: value for key, value in given.items() if key not in {"key", "ca"}}
    return Tls(
        key=KeyKind(given.get("key", KeyKind.ECDSA_P256)),
        ca_cert=absolute(ca["cert"], context) if ca else "",
        ca_key=absolute(ca["key"], context) if ca else "",
        **plain,
    )
