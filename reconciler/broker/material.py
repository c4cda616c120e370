"""The secrets of a broker: read from its files, and completed where something is missing.

Whatever still serves is kept byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.broker import Broker, BrokerUser
from reconciler.model.discreet import Discreet

from . import certificates, layout, passwords, pki
from .files import FileSet

_CA_FILES = (layout.CA_CERTIFICATE, layout.CA_KEY, layout.CA_NEXT_KEY)
_LONGEST_NAME = 64  # characters of a common name (RFC 5280, ub-common-name)


class Material(Discreet, frozen=True):
    """What cannot be computed from the settings. Identities and secrets of users stand under their names."""

    authority: pki.Authority | None = None
    server: pki.CertifiedKey | None = None
    clients: Mapping[str, pki.CertifiedKey] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)


class Complete(Discreet, frozen=True):
    """Material that lacks nothing any more."""

    authority: pki.Authority
    server: pki.CertifiedKey
    clients: Mapping[str, pki.CertifiedKey]
    secrets: Mapping[str, str]
    entries: Mapping[str, str]


class Renewal(Struct, frozen=True):
    """A certificate that is issued anew: the CA, the server, or the client `user`; and why."""

    kind: str
    user: str
    reason: str


def read(files: FileSet, given: pki.Authority | None) -> Material:
    """The material in a broker's files; a CA that is given stands above the one that was made."""
    entries, _ = passwords.parse(_text(files, layout.PASSWORDS), layout.PASSWORDS)
    names = [path.removeprefix("clients/").removesuffix(".password") for path in files if path.endswith(".password")]
    clients = {name: _identity(files, layout.certificate(name), layout.key(name)) for name in names}
    return Material(
        authority=given or _authority(files),
        server=_identity(files, layout.SERVER_CERTIFICATE, layout.SERVER_KEY),
        clients={name: identity for name, identity in clients.items() if identity},
        secrets={name: _text(files, layout.password(name)).strip() for name in names},
        entries=entries,
    )


def complete(broker: Broker, found: Material, now: datetime) -> tuple[Complete, tuple[Renewal, ...]]:
    """The material with what is missing, wrong or due made anew, and what that was.

    Raises:
        ReconcilerError: The CA is damaged, or must sign something and cannot.
    """
    if found.authority:
        pki.refuse_damaged(found.authority)
    renewals = [] if found.authority else [Renewal("ca", "", "a new one is wanted")]
    authority = found.authority or pki.new_authority(broker.address.workspace, broker.tls, now)
    identities: dict[str, pki.CertifiedKey] = {}
    for leaf in _leaves(broker):
        user = leaf.name if leaf.purpose is pki.Purpose.CLIENT else ""
        old = found.clients.get(user) if user else found.server
        reason = pki.why_renew(old, leaf, authority, now)
        if reason:
            renewals.append(Renewal(leaf.purpose, user, reason))
        identities[user] = pki.issue(authority, leaf, now) if reason or old is None else old
    secrets = {user.name: found.secrets.get(user.name) or passwords.new_secret() for user in broker.users}
    entries = {name: _entry(found.entries.get(name, ""), secret) for name, secret in sorted(secrets.items())}
    server = identities.pop("")
    return Complete(authority, server, identities, secrets, entries), tuple(renewals)


def without_server(material: Material) -> Material:
    """The material without the server's certificate, so that another one is issued."""
    return replace(material, server=None)


def without_client(material: Material, user: str) -> Material:
    """The material without a user's certificate, so that another one is issued."""
    return replace(material, clients={name: each for name, each in material.clients.items() if name != user})


def without_secret(material: Material, user: str) -> Material:
    """The material without a user's password, so that another one is drawn."""
    return replace(material, secrets={name: each for name, each in material.secrets.items() if name != user})


def roll_ca(material: Material, broker: Broker, now: datetime) -> Material:
    """The material after the next step of the CA's roll-over (see `pki.roll`)."""
    if material.authority is None:
        return material
    return replace(material, authority=pki.roll(material.authority, broker.address.workspace, broker.tls, now))


def _leaves(broker: Broker) -> list[pki.Leaf]:
    loopback = ("localhost", "127.0.0.1", "::1")
    names = tuple(dict.fromkeys((broker.host, *broker.names, *loopback)))
    server = pki.Leaf(broker.host[:_LONGEST_NAME], names, pki.Purpose.SERVER, broker.tls.key, broker.tls.leaf_days)
    clients = broker.users if any(listener.mtls for listener in broker.listeners) else ()
    return [server, *(_client(broker, user) for user in sorted(clients, key=lambda user: user.name))]


def _client(broker: Broker, user: BrokerUser) -> pki.Leaf:
    names = (f"urn:reconciler:user:{user.name}",)
    return pki.Leaf(user.name, names, pki.Purpose.CLIENT, broker.tls.key, broker.tls.leaf_days)


def _entry(entry: str, secret: str) -> str:
    return entry if entry and passwords.verifies(entry, secret) else passwords.entry(secret)


def _authority(files: FileSet) -> pki.Authority | None:
    if layout.CA_CERTIFICATE not in files and layout.CA_KEY not in files:
        return None
    certificate, key, next_key = (_data(files, path) for path in _CA_FILES)
    trusted = tuple(each.public_bytes(Encoding.PEM) for each in certificates.load(certificate))
    return pki.Authority(trusted, key, next_key)


def _identity(files: FileSet, certificate: str, key: str) -> pki.CertifiedKey | None:
    if certificate not in files or key not in files:
        return None
    return pki.CertifiedKey(files[certificate].data, files[key].data)


def _text(files: FileSet, path: str) -> str:
    return _data(files, path).decode("utf-8", "replace")


def _data(files: FileSet, path: str) -> bytes:
    return files[path].data if path in files else b""
