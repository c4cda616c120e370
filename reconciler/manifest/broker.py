"""The broker that a manifest declares, with every default filled in."""

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


def broker(name: str, block: Block, around: ManifestContext) -> Broker:
    """The broker that `block` declares."""
    said = block.content
    defaults = Broker(broker_address(name), "")
    host = said.get("host", defaults.host)
    folder = ".hermes/broker" if name == DEFAULT_BROKER else f".hermes/broker-{name}"
    return Broker(
        address=defaults.address,
        directory=absolute(said.get("dir", folder), around),
        host=host,
        names=tuple(said.get("names", ())),
        listeners=tuple(_listener(each, host) for each in said.get("listeners", (_NOTHING,))),
        users=tuple(_user(*each) for each in said["users"].items()) if "users" in said else DEFAULT_USERS,
        topics=tuple(said.get("topics", defaults.topics)),
        demo_topic=said.get("demo_topic", defaults.demo_topic),
        tls=_tls(said.get("tls", _NOTHING), around),
        persistence=said.get("persistence", defaults.persistence),
        limits=Limits(**said.get("limits", _NOTHING)),
        target=Target(said.get("target", defaults.target)),
        place=block.place(),
    )


def _listener(said: Mapping[str, Any], host: str) -> Listener:
    bind = said.get("bind", "127.0.0.1" if _is_loopback(host) else "")
    return Listener(said.get("port", Listener().port), bind, said.get("mtls", False))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _user(name: str, said: str | Mapping[str, Any]) -> BrokerUser:
    if isinstance(said, str):
        return BrokerUser(name, Role(said))
    return BrokerUser(name, Role.CUSTOM, tuple(_grant(line) for line in said["acl"]))


def _grant(line: str) -> Grant:
    """An ACL line; without an access word both are allowed, as in Mosquitto's own file."""
    word, _, topic = line.partition(" ")
    if topic and word in set(Access):
        return Grant(Access(word), topic)
    return Grant(Access.READWRITE, line)


def _tls(said: Mapping[str, Any], around: ManifestContext) -> Tls:
    ca = said.get("ca", _NOTHING)
    plain = {key: value for key, value in said.items() if key not in {"key", "ca"}}
    return Tls(
        key=KeyKind(said.get("key", KeyKind.ECDSA_P256)),
        ca_cert=absolute(ca["cert"], around) if ca else "",
        ca_key=absolute(ca["key"], around) if ca else "",
        **plain,
    )
