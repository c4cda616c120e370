"""Make the `Broker` that a manifest declares, with every default filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from reconciler.model.address import broker_address
from reconciler.model.broker import (
    DEFAULT_USERS,
    JOB_EVENTS,
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
from reconciler.model.destination import is_host_name
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.host_topics import EVENTS, prefixes

from .document import ManifestContext, mistake
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


def runner_mistakes(block: Block) -> Iterator[Diagnostic]:
    """Every runner among the users whose name cannot be that of a host, and a runner without topics for its jobs."""
    runners = [name for name, role in block.content.get("users", {}).items() if role == Role.RUNNER]
    for name in runners:
        if not is_host_name(name):
            yield mistake(
                f"`{name}` cannot be a runner: its name is that of the host that it takes jobs for",
                block.place(f"users.{name}"),
                fix="choose a name with up to 63 letters, digits, - and _",
            )
    if runners and not prefixes(block.content.get("topics", (JOB_EVENTS,))):
        yield mistake(
            f"the runner `{runners[0]}` has no topics: no filter of job events ends with {EVENTS}",
            block.place("topics"),
            fix=f"add a filter such as {JOB_EVENTS}",
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
