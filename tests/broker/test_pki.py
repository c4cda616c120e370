from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from bus import NOW
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reconciler.broker.keys import certificates, pki
from reconciler.broker.keys.pki import CertifiedKey, Leaf, Purpose, Rollover
from reconciler.model.broker import KeyKind, Tls
from reconciler.model.errors import ReconcilerError

NAMES = ("mqtt.internal", "localhost", "127.0.0.1", "::1")
SERVER = Leaf("mqtt.internal", NAMES, Purpose.SERVER, KeyKind.ECDSA_P256, 90)
CA = pki.new_authority("bus", Tls(), NOW)


def _trusts(trusted: tuple[bytes, ...], identity: CertifiedKey, host: str, folder: Path) -> bool:
    """Whether a strict client that trusts these CAs takes the certificate for the host; no network needed."""
    (folder / "crt").write_bytes(identity.certificate)
    (folder / "key").write_bytes(identity.key)
    client = ssl.create_default_context(cadata="".join(pem.decode() for pem in trusted))
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "crt", folder / "key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return ours.version() is not None


@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("host", NAMES)
def test_a_strict_client_takes_the_server_under_each_of_its_names(kind: KeyKind, host: str, tmp_path: Path) -> None:
    authority = pki.new_authority("bus", Tls(key=kind), NOW)
    identity = pki.issue(authority, Leaf("mqtt.internal", NAMES, Purpose.SERVER, kind, 90), NOW)
    assert _trusts(authority.trusted, identity, host, tmp_path)
    assert not _trusts(authority.trusted, identity, "other.internal", tmp_path)


def test_a_client_refuses_another_ca_and_a_certificate_of_a_client(tmp_path: Path) -> None:
    other = pki.new_authority("bus", Tls(), NOW)
    assert not _trusts(other.trusted, pki.issue(CA, SERVER, NOW), "localhost", tmp_path)
    client = pki.issue(CA, Leaf("hermes", ("localhost",), Purpose.CLIENT, KeyKind.ECDSA_P256, 90), NOW)
    assert not _trusts(CA.trusted, client, "localhost", tmp_path)


def test_the_extensions_are_those_that_strict_checks_ask_for() -> None:
    root, leaf = (certificates.load(pem)[0] for pem in (CA.trusted[0], pki.issue(CA, SERVER, NOW).certificate))
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).critical
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment
    assert leaf.not_valid_before_utc == NOW.replace(microsecond=0) - timedelta(minutes=5)


def test_a_certificate_ends_before_its_ca() -> None:
    short = pki.new_authority("bus", Tls(ca_days=10), NOW)
    leaf = certificates.load(pki.issue(short, SERVER, NOW).certificate)[0]
    assert leaf.not_valid_after_utc == certificates.load(short.trusted[0])[0].not_valid_after_utc


def test_a_long_name_still_makes_a_ca() -> None:
    assert pki.new_authority("n" * 200, Tls(), NOW).trusted


KEPT = pki.issue(CA, SERVER, NOW)


@pytest.mark.parametrize(
    ("identity", "leaf", "days", "reason"),
    [
        (KEPT, SERVER, 0, ""),
        (KEPT, SERVER, 59, ""),
        (None, SERVER, 0, "a new one is needed"),
        (KEPT, SERVER, 61, "less than a third"),
        (KEPT, SERVER, 91, "expired"),
        (CertifiedKey(KEPT.certificate, b"no key"), SERVER, 0, "key does not belong"),
        (CertifiedKey(KEPT.certificate, pki.issue(CA, SERVER, NOW).key), SERVER, 0, "key does not belong"),
        (CertifiedKey(b"no certificate", KEPT.key), SERVER, 0, "key does not belong"),
        (KEPT, Leaf("mqtt.internal", (*NAMES, "x"), Purpose.SERVER, KeyKind.ECDSA_P256, 90), 0, "names have changed"),
        (KEPT, Leaf("other", NAMES, Purpose.SERVER, KeyKind.ECDSA_P256, 90), 0, "names have changed"),
        (KEPT, Leaf("mqtt.internal", NAMES, Purpose.SERVER, KeyKind.RSA_2048, 90), 0, "key is not rsa-2048"),
        (pki.issue(pki.new_authority("bus", Tls(), NOW), SERVER, NOW), SERVER, 0, "another CA"),
    ],
)
def test_a_certificate_is_renewed_for_a_reason_and_otherwise_kept(
    identity: CertifiedKey | None, leaf: Leaf, days: int, reason: str
) -> None:
    told = pki.why_renew(identity, leaf, CA, NOW + timedelta(days=days))
    assert reason in told if reason else not told


# --- a CA that is given -----------------------------------------------------------------------


def _plain_root() -> tuple[bytes, bytes]:
    """A root as the common recipes make it: without keyUsage and key identifier."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plain")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    root = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(9)).sign(key, SHA256())
    return root.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_good_ca_that_is_given_signs(tmp_path: Path) -> None:
    given = pki.given_authority(CA.trusted[0], CA.key, NOW)
    assert _trusts(CA.trusted, pki.issue(given, SERVER, NOW), "localhost", tmp_path)


@pytest.mark.parametrize(
    ("certificate", "key", "days", "part"),
    [
        (b"nothing", CA.key, 0, "not PEM"),
        (KEPT.certificate, KEPT.key, 0, "not that of a CA"),
        (*_plain_root(), 0, "strict clients refuse"),
        (CA.trusted[0], KEPT.key, 0, "does not belong"),
        (CA.trusted[0], b"nothing", 0, "does not belong"),
        (CA.trusted[0], CA.key, 3700, "expired"),
    ],
)
def test_a_ca_that_no_client_would_trust_is_refused(certificate: bytes, key: bytes, days: int, part: str) -> None:
    with pytest.raises(ReconcilerError, match=part) as caught:
        pki.given_authority(certificate, key, NOW + timedelta(days=days))
    assert caught.value.fix


# --- another CA, step by step -----------------------------------------------------------------


def test_no_step_of_a_roll_over_shuts_out_a_client_of_the_step_before(tmp_path: Path) -> None:
    steps = [CA]
    for expected in (Rollover.PUBLISH, Rollover.SWITCH, Rollover.RETIRE):
        assert pki.next_step(steps[-1]) is expected
        steps.append(pki.roll(steps[-1], "bus", Tls(), NOW))
    servers = [pki.issue(step, SERVER, NOW) for step in steps]
    for client, server in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3)]:
        assert _trusts(steps[client].trusted, servers[server], "localhost", tmp_path), (client, server)
    assert not _trusts(steps[3].trusted, servers[0], "localhost", tmp_path)
    assert pki.next_step(steps[3]) is Rollover.PUBLISH
    assert not set(steps[3].trusted) & set(CA.trusted)


def test_certificates_are_issued_anew_at_the_second_step_only() -> None:
    published = pki.roll(CA, "bus", Tls(), NOW)
    switched = pki.roll(published, "bus", Tls(), NOW)
    assert not pki.why_renew(KEPT, SERVER, published, NOW)
    assert pki.why_renew(KEPT, SERVER, switched, NOW) == "another CA issued it"


def test_an_expired_ca_is_replaced_at_once() -> None:
    late = NOW + timedelta(days=4000)
    with pytest.raises(ReconcilerError, match="expired"):
        pki.issue(CA, SERVER, late)
    assert pki.issue(pki.roll(CA, "bus", Tls(), late), SERVER, late)
