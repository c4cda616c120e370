"""Read the keys, certificates and passwords of a broker from its files, and make those that are missing.

Everything that is still valid stays, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.broker.files import layout, passwords
from reconciler.broker.files.file_set import FileSet
from reconciler.broker.files.kept import KeptMaterial
from reconciler.broker.files.kept import parse as parse_kept
from reconciler.model.broker import Broker, BrokerUser
from reconciler.model.redacted import Redacted

from . import certificates, pki

_CA_FILES = (layout.CA_CERTIFICATE, layout.CA_KEY, layout.CA_NEXT_KEY)
_LONGEST_NAME = 64  # characters of a common name (RFC 5280, ub-common-name)


class Material(Redacted, frozen=True):
    """What cannot be computed from the settings. Certificates and passwords of users are stored by name."""

    authority: pki.Authority | None = None
    server: pki.CertifiedKey | None = None
    clients: Mapping[str, pki.CertifiedKey] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)
    kept: KeptMaterial = KeptMaterial()

    def is_own(self, user: str) -> bool:
        """Whether reconciler did not make the user's password, so that perhaps only the user knows it."""
        entry = self.entries.get(user, "")
        return bool(entry) and (user in self.kept.passwords or not passwords.is_ours(entry))


class Complete(Redacted, frozen=True):
    """Material with nothing missing, except passwords that only their users know."""

    authority: pki.Authority
    server: pki.CertifiedKey
    clients: Mapping[str, pki.CertifiedKey]
    secrets: Mapping[str, str]
    entries: Mapping[str, str]
    kept: KeptMaterial


class Renewal(Struct, frozen=True):
    """A certificate that is issued again, for the CA, the server or the client `user`, and why."""

    kind: str
    user: str
    reason: str


def read(files: FileSet, given: pki.Authority | None) -> Material:
    """Read the material from a broker's files. A CA from the settings replaces the one in the files."""
    entries, _ = passwords.parse(_text(files, layout.PASSWORDS), layout.PASSWORDS)
    names = [path.removeprefix("clients/").removesuffix(".password") for path in files if path.endswith(".password")]
    clients = {name: _identity(files, layout.certificate(name), layout.key(name)) for name in _certified(files)}
    kept = parse_kept(_text(files, layout.KEPT))
    return Material(
        authority=given or _authority(files, kept),
        server=_identity(files, layout.SERVER_CERTIFICATE, layout.SERVER_KEY),
        clients={name: identity for name, identity in clients.items() if identity},
        secrets={name: _text(files, layout.password(name)).strip() for name in names},
        entries=entries,
        kept=kept,
    )


def complete(broker: Broker, found: Material, now: datetime) -> tuple[Complete, tuple[Renewal, ...]]:
    """Make everything that is missing, wrong or due for renewal. Returns the material and the renewals.

    Raises:
        ReconcilerError: The CA is damaged, or must sign something but cannot.
    """
    if found.authority:
        pki.refuse_damaged(found.authority)
    renewals = [] if found.authority else [Renewal("ca", "", "a new one is needed")]
    authority = found.authority or pki.new_authority(broker.address.workspace, broker.tls, now)
    identities: dict[str, pki.CertifiedKey] = {}
    for leaf in _leaves(broker):
        user = leaf.name if leaf.purpose is pki.Purpose.CLIENT else ""
        old = found.clients.get(user) if user else found.server
        reason = "" if _stays(old, found.kept, authority) else pki.why_renew(old, leaf, authority, now)
        if reason:
            renewals.append(Renewal(leaf.purpose, user, reason))
        identities[user] = pki.issue(authority, leaf, now) if reason or old is None else old
    secrets = {user.name: secret for user in broker.users if (secret := _secret(found, user.name))}
    names = sorted(user.name for user in broker.users)
    server = identities.pop("")
    made = Complete(
        authority=authority,
        server=server,
        clients=identities,
        secrets=secrets,
        entries={name: _entry(found, name, secrets.get(name)) for name in names},
        kept=KeptMaterial(),
    )
    return replace(made, kept=_still_kept(found, made)), tuple(renewals)


def _secret(found: Material, user: str) -> str:
    """A user's password: the known one, else a new one; empty when only the user knows it."""
    known = found.secrets.get(user, "")
    return known or ("" if found.is_own(user) else passwords.new_secret())


def _stays(old: pki.CertifiedKey | None, kept: KeptMaterial, authority: pki.Authority) -> bool:
    """Whether a certificate was made by hand and this CA issued it: then it stays, whatever its names, key and age."""
    if old is None or not kept.server or _print(old) != kept.server:
        return False
    certificate = certificates.load(old.certificate)[0]
    return any(certificates.issued_by(certificate, each) for each in _authorities(authority))


def _still_kept(found: Material, made: Complete) -> KeptMaterial:
    """The items made by hand that are still in the complete material."""
    prints = {_print(made.server), *(certificates.fingerprint(each) for each in _authorities(made.authority))}
    names = frozenset(name for name, entry in made.entries.items() if found.entries.get(name) == entry)
    return KeptMaterial(
        authority=found.kept.authority if found.kept.authority in prints else "",
        server=found.kept.server if found.kept.server in prints else "",
        passwords=frozenset(name for name in names if found.is_own(name)),
    )


def _print(identity: pki.CertifiedKey) -> str:
    """The fingerprint of a certificate; empty when it cannot be read."""
    return next((certificates.fingerprint(each) for each in certificates.load(identity.certificate)), "")


def _authorities(authority: pki.Authority) -> tuple[x509.Certificate, ...]:
    return tuple(each for pem in authority.trusted[:1] for each in certificates.load(pem))


def without_server(material: Material) -> Material:
    """The material without the server's certificate, so that another one is issued."""
    return replace(material, server=None)


def without_client(material: Material, user: str) -> Material:
    """The material without a user's certificate, so that another one is issued."""
    return replace(material, clients={name: each for name, each in material.clients.items() if name != user})


def without_secret(material: Material, user: str) -> Material:
    """The material without a user's password, so that a new one is made."""
    secrets, entries = (
        {name: each for name, each in known.items() if name != user} for known in (material.secrets, material.entries)
    )
    kept = replace(material.kept, passwords=material.kept.passwords - {user})
    return replace(material, secrets=secrets, entries=entries, kept=kept)


def with_secret(material: Material, user: str, secret: str) -> Material:
    """The material with a user's password, which must match the user's entry."""
    return replace(material, secrets={**material.secrets, user: secret})


def reissued(material: Material, now: datetime) -> Material:
    """Replace the server and CA certificates that were made by hand.

    The CA keeps its key and name, so clients trust it as before. A CA that cannot sign is replaced by a new one.
    """
    authority, server = material.authority, material.server
    if authority and authority.kept:
        authority = None if pki.authority_problem(authority, now) else pki.reissued(authority, now)
    by_hand = server and _print(server) == material.kept.server
    return replace(material, authority=authority, server=None if by_hand else server)


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


def _entry(found: Material, user: str, secret: str | None) -> str:
    """The entry of a user. An entry made by hand stays while its password does; ours always has our iterations."""
    entry = found.entries.get(user, "")
    if secret is None:
        return entry
    fit = found.is_own(user) or passwords.is_ours(entry)
    return entry if entry and fit and passwords.verifies(entry, secret) else passwords.entry(secret)


def _certified(files: FileSet) -> list[str]:
    """The users with a certificate."""
    inside = [path for path in files if path.startswith(f"{layout.CLIENTS.live}/") and path.endswith(".crt")]
    return [path.removeprefix(f"{layout.CLIENTS.live}/").removesuffix(".crt") for path in inside]


def _authority(files: FileSet, kept: KeptMaterial) -> pki.Authority | None:
    if layout.CA_CERTIFICATE not in files and layout.CA_KEY not in files:
        return None
    certificate, key, next_key = (_data(files, path) for path in _CA_FILES)
    found = certificates.load(certificate)
    trusted = tuple(each.public_bytes(Encoding.PEM) for each in found)
    by_hand = bool(found) and certificates.fingerprint(found[0]) == kept.authority
    return pki.Authority(trusted, key, next_key, kept=by_hand)


def _identity(files: FileSet, certificate: str, key: str) -> pki.CertifiedKey | None:
    if certificate not in files or key not in files:
        return None
    return pki.CertifiedKey(files[certificate].data, files[key].data)


def _text(files: FileSet, path: str) -> str:
    return _data(files, path).decode("utf-8", "replace")


def _data(files: FileSet, path: str) -> bytes:
    return files[path].data if path in files else b""
