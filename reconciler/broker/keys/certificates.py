"""Read certificates and keys, and check whether they belong together."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from msgspec import Struct

from reconciler.model.broker import KeyKind

REISSUE_CA = (
    "openssl req -x509 -new -key ca.key -days 3650 -out ca.crt -subj /CN=THE_SAME_NAME "
    "-addext keyUsage=critical,keyCertSign,cRLSign"
)
"""How to issue a CA certificate again with the extension that strict clients need; issued certificates stay valid."""

_SIGNING_KEYS = (EllipticCurvePrivateKey, RSAPrivateKey, Ed25519PrivateKey, Ed448PrivateKey)
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


class Certificate(Struct, frozen=True):
    """The facts about a certificate. Times have a time zone; `serial` is hexadecimal."""

    subject: str
    names: tuple[str, ...]
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime

    @property
    def due_at(self) -> datetime:
        """When to renew it: after two thirds of its lifetime."""
        return self.not_before + (self.not_after - self.not_before) * 2 / 3

    def is_due(self, now: datetime) -> bool:
        """Whether it should be renewed."""
        return now >= self.due_at

    def is_expired(self, now: datetime) -> bool:
        """Whether it has expired."""
        return now >= self.not_after

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires, negative afterwards."""
        return (self.not_after - now) // timedelta(days=1)


def load(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file, in order; none when the file is not valid."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except _UNREADABLE:
        return ()


def load_key(pem: bytes) -> PrivateKeyTypes | None:
    """The private key in a PEM file; None when the file is not valid or needs a passphrase."""
    try:
        return load_pem_private_key(pem, None)
    except _UNREADABLE:
        return None


def facts(certificate: x509.Certificate) -> Certificate:
    """The facts about a certificate."""
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        names=alternative_names(certificate),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses in the certificate, as text, in its order."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value) for name in names)


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether the certificate is valid for this name or address."""
    with suppress(ValueError):
        host = str(ip_address(host))  # an address may be written in several ways
        return host in alternative_names(certificate)
    return any(_covers(name, host) for name in alternative_names(certificate) or common_names(certificate))


def common_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names in the subject. Clients use them only without any alternative name (RFC 6125, 6.4.4)."""
    return tuple(str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME))


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate, in hexadecimal."""
    return certificate.fingerprint(SHA256()).hex()


def belongs(pem_key: bytes, certificate: x509.Certificate) -> bool:
    """Whether this is the private key of the certificate."""
    key = load_key(pem_key)
    if key is None:
        return False
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` has signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether strict clients accept it as a CA: critical basicConstraints, keyCertSign, key identifier."""
    extensions = certificate.extensions
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.critical and constraints.value.ca and usage.key_cert_sign


def is_plain_authority(certificate: x509.Certificate) -> bool:
    """Whether clients without strict checks accept it as a CA. `openssl req -x509` makes one without keyUsage."""
    if certificate.version is x509.Version.v1:
        return issued_by(certificate, certificate)
    extensions = certificate.extensions
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    with suppress(x509.ExtensionNotFound):
        return constraints.ca and extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    return constraints.ca


def key_kind(certificate: x509.Certificate) -> KeyKind | None:
    """The kind of its key; None for a kind that reconciler does not make."""
    key = certificate.public_key()
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return KeyKind.ECDSA_P256
    if isinstance(key, RSAPublicKey) and key.key_size == 2048:
        return KeyKind.RSA_2048
    return None


def _covers(name: str, host: str) -> bool:
    """Whether a name in a certificate matches the host; `*` matches the first part."""
    if name.startswith("*."):
        return name.lower().partition(".")[2] == host.lower().partition(".")[2]
    return name.lower() == host.lower()


def can_sign(key: PrivateKeyTypes | None) -> CertificateIssuerPrivateKeyTypes | None:
    """The key if it can sign certificates; else None."""
    return key if isinstance(key, _SIGNING_KEYS) else None
