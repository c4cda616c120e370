"""The broker's own CA and the certificates that it issues.

They pass OpenSSL's strict checks (X509_V_FLAG_X509_STRICT), which are the default since Python 3.13: a CA needs a
critical basicConstraints, keyUsage and a key identifier; a leaf needs the key identifier of its issuer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificateIssuerPublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.broker import KeyKind, Tls
from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import to_day
from reconciler.model.redacted import Redacted

from . import certificates

_CLOCK_SKEW = timedelta(minutes=5)
_LONGEST_NAME = 50  # a common name has at most 64 characters (RFC 5280, ub-common-name)


class Purpose(StrEnum):
    """Who uses a certificate."""

    SERVER = "server"
    CLIENT = "client"


class CertifiedKey(Redacted, frozen=True):
    """A certificate with its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority(Redacted, frozen=True):
    """The broker's CA."""

    trusted: tuple[bytes, ...]
    """The CA certificates that clients trust, PEM. The first one signs."""
    key: bytes
    """The key of the first certificate; empty if the CA was made by hand and its key is elsewhere."""
    next_key: bytes = b""
    """The key of the second certificate, during a roll-over, before that one signs."""
    kept: bool = False
    """Whether the CA was made by hand; then strict clients may refuse it."""


class Leaf(Struct, frozen=True):
    """A certificate to issue: its common name, alternative names, purpose, kind of key and lifetime."""

    name: str
    names: tuple[str, ...]
    purpose: Purpose
    kind: KeyKind
    days: int


class Rollover(StrEnum):
    """The next step of `roll`. A client that trusts the CA file of the previous step can still connect after it."""

    PUBLISH = "publish"  # a new CA is trusted beside the old one, which still signs
    SWITCH = "switch"  # the new CA signs; certificates of the old one are still trusted
    RETIRE = "retire"  # the old CA is no longer trusted


def new_authority(name: str, tls: Tls, now: datetime) -> Authority:
    """Make a CA that may sign leaf certificates only."""
    key = _new_key(tls.key)
    serial = x509.random_serial_number()
    # Two CAs of one broker are trusted side by side during a roll-over: their names must differ.
    subject = _common_name(f"{name[:_LONGEST_NAME]} CA {serial:x}"[: _LONGEST_NAME + 12])
    builder = (
        _builder(subject, subject, key, now)
        .serial_number(serial)
        .not_valid_after(now + timedelta(days=tls.ca_days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Authority((_pem(builder.sign(key, hashes.SHA256())),), _key_pem(key))


def given_authority(certificate: bytes, key: bytes, now: datetime) -> Authority:
    """Use a CA from the settings.

    Raises:
        ReconcilerError: It cannot sign certificates that clients accept; the message says why.
    """
    found = certificates.load(certificate)
    problem = _ca_problem(found, key, now)
    if problem:
        raise ReconcilerError(
            f"the given CA cannot be used: {problem}",
            fix="name the certificate of a root CA and its unencrypted private key, both PEM, under `tls: {ca: ...}`; "
            f"if it has no keyUsage, issue it again with the same key: {certificates.REISSUE_CA}",
        )
    return Authority((_pem(found[0]),), key)


def issue(authority: Authority, leaf: Leaf, now: datetime) -> CertifiedKey:
    """Issue a certificate with a new key. It expires before its CA does.

    Raises:
        ReconcilerError: The CA cannot sign: it has expired, or its key is missing.
    """
    issuer, signer = _issuer(authority, now)
    key = _new_key(leaf.kind)
    builder = (
        _builder(_common_name(leaf.name), issuer.subject, key, now)
        .serial_number(x509.random_serial_number())
        .not_valid_after(min(now + timedelta(days=leaf.days), issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(exchanges_keys=leaf.kind is KeyKind.RSA_2048), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_purpose(leaf.purpose)]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in leaf.names]), critical=False)
        .add_extension(_issuer_identifier(issuer), critical=False)
    )
    return CertifiedKey(_pem(builder.sign(signer, _hash(signer))), _key_pem(key))


def why_renew(identity: CertifiedKey | None, leaf: Leaf, authority: Authority, now: datetime) -> str:
    """Why a certificate must be issued again; empty when it can stay unchanged."""
    if identity is None:
        return "a new one is needed"
    found = certificates.load(identity.certificate)
    if not found or not certificates.belongs(identity.key, found[0]):
        return "its key does not belong to it"
    if not certificates.issued_by(found[0], certificates.load(authority.trusted[0])[0]):
        return "another CA issued it"
    return _why_other(found[0], leaf) or _why_old(found[0], now)


def next_step(authority: Authority) -> Rollover:
    """The next step of the CA's roll-over."""
    if len(authority.trusted) <= 1:
        return Rollover.PUBLISH
    return Rollover.SWITCH if authority.next_key else Rollover.RETIRE


def roll(authority: Authority, name: str, tls: Tls, now: datetime) -> Authority:
    """Take the next step of the CA's roll-over; after three steps, the CA is a new one.

    Between the first and the second step, the user copies the trusted certificates to clients on other machines. A CA
    that cannot sign any more is replaced at once, because its clients must get a new one anyway.
    """
    match next_step(authority):
        case Rollover.PUBLISH:
            new = new_authority(name, tls, now)
            if authority_problem(authority, now):
                return new
            return Authority((*authority.trusted, *new.trusted), authority.key, new.key)
        case Rollover.SWITCH:
            return Authority(tuple(reversed(authority.trusted)), authority.next_key)
        case Rollover.RETIRE:
            return Authority(authority.trusted[:1], authority.key)


def refuse_damaged(authority: Authority) -> None:
    """Raise ReconcilerError when the CA's certificate or key is missing, or they do not belong together."""
    if authority.kept and not authority.key:
        return
    found = certificates.load(authority.trusted[0]) if authority.trusted else ()
    if not found or not certificates.belongs(authority.key, found[0]):
        raise ReconcilerError(
            "the CA is damaged: its certificate or key is missing, or they do not belong together",
            fix="restore ca.crt and ca.key from a backup, or make a new CA, which all clients must then get: "
            "reconciler broker rotate ca",
        )


def authority_problem(authority: Authority, now: datetime) -> str:
    """Why the CA cannot sign; empty when it can."""
    found = tuple(each for pem in authority.trusted for each in certificates.load(pem))
    return _ca_problem(found, authority.key, now, kept=authority.kept)


def reissued(authority: Authority, now: datetime) -> Authority:
    """Issue the CA a new certificate, with the same key and name, that strict clients also accept.

    Clients with the old certificate trust everything that the new one signs. Raises what `issue` raises.
    """
    old, signer = _issuer(authority, now)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.subject)
        .public_key(_public_key(old))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(old.not_valid_after_utc)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(old.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return replace(authority, trusted=(_pem(builder.sign(signer, _hash(signer))), *authority.trusted[1:]))


def _issuer(authority: Authority, now: datetime) -> tuple[x509.Certificate, CertificateIssuerPrivateKeyTypes]:
    problem = authority_problem(authority, now)
    signer = certificates.can_sign(certificates.load_key(authority.key))
    if problem or signer is None:
        raise ReconcilerError(
            f"the CA cannot sign: {problem or 'its kind of key cannot sign'}",
            fix="restore its files from a backup, or make a new CA: reconciler broker rotate ca",
        )
    return certificates.load(authority.trusted[0])[0], signer


def _ca_problem(found: tuple[x509.Certificate, ...], key: bytes, now: datetime, *, kept: bool = False) -> str:
    if not found:
        return "its certificate is not PEM, or is damaged"
    if kept and not key:
        return "its key was not among the files that were taken over"
    if not (certificates.is_plain_authority if kept else certificates.is_authority)(found[0]):
        return "its certificate is not that of a CA, or strict clients refuse it"
    if not certificates.issued_by(found[0], found[0]):
        return "it is not a root CA: clients would need the CAs above it as well"
    if not certificates.belongs(key, found[0]):
        return "the key does not belong to the certificate, or has a passphrase"
    expired = certificates.facts(found[0]).is_expired(now)
    return f"it expired on {to_day(found[0].not_valid_after_utc)}" if expired else ""


def _why_other(certificate: x509.Certificate, leaf: Leaf) -> str:
    if certificate.subject != _common_name(leaf.name) or set(certificates.alternative_names(certificate)) != {
        str(_alternative(name).value) for name in leaf.names
    }:
        return "its names have changed"
    return "" if certificates.key_kind(certificate) is leaf.kind else f"its key is not {leaf.kind}"


def _why_old(certificate: x509.Certificate, now: datetime) -> str:
    facts = certificates.facts(certificate)
    if facts.is_expired(now):
        return f"it expired on {to_day(facts.not_after)}"
    return f"{facts.days_left(now)} days are left, less than a third of its life" if facts.is_due(now) else ""


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificateIssuerPrivateKeyTypes, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .not_valid_before(now - _CLOCK_SKEW)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    if ":" in name and name.startswith("urn"):
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _public_key(certificate: x509.Certificate) -> CertificateIssuerPublicKeyTypes:
    """The key of a CA. It has signed certificates, so it is of a kind that can sign."""
    return cast("CertificateIssuerPublicKeyTypes", certificate.public_key())


def _purpose(purpose: Purpose) -> x509.ObjectIdentifier:
    return ExtendedKeyUsageOID.SERVER_AUTH if purpose is Purpose.SERVER else ExtendedKeyUsageOID.CLIENT_AUTH


def _usage(*, signs_certificates: bool = False, exchanges_keys: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=exchanges_keys,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(_public_key(issuer))
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _new_key(kind: KeyKind) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if kind is KeyKind.RSA_2048:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _hash(key: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    # Edwards curves include a hash, so the library needs None.
    return None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
