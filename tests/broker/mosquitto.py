"""A real Mosquitto of the test's own, on free loopback ports, with a knob for each fault to plant."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from free_ports import free_port
from waiting import wait_until

from reconciler.broker.running.process import _answers
from reconciler.model.broker import Connection, Listener

# Other tests at the same time have others: command lines of all processes are searched for them.
SECRETS = {name: f"secret-of-{name}-{os.getpid()}" for name in ("hermes", "claude-worker")}
ACL = """\
user hermes
topic read python/mqtt/jobs/+/events

user claude-worker
topic write python/mqtt/jobs/+/events

user certified
topic read python/mqtt/jobs/+/events
"""


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a broker has ended. It is asked again and again: one that has just begun to listen forgets a signal."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)
    return process.poll() is not None


@dataclass(frozen=True)
class Knobs:
    """What the broker is like; each field away from its default is a fault, or another listener."""

    anonymous: bool = False
    acl: str | None = ACL  # None: no ACL file at all
    tls: bool = True
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    valid_days: tuple[float, float] = (-30, 60)
    retain: bool = True
    mtls: bool = False
    certificates_required: bool = True
    stray: bool = False
    plain_ca: bool = False
    extra: tuple[str, ...] = field(default=())


class Mosquitto:
    """One broker in a folder; ended by its pid."""

    def __init__(self, folder: Path, knobs: Knobs) -> None:
        self.folder = folder
        self.knobs = knobs
        self.port, self.mtls_port, self.stray_port, self.closed_port = (free_port() for _ in range(4))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self) -> None:
        authority = Authority(self.folder, plain=self.knobs.plain_ca)
        authority.issue("server", self.knobs.names, self.knobs.valid_days, ExtendedKeyUsageOID.SERVER_AUTH)
        authority.issue("certified", ("certified",), (-30, 60), ExtendedKeyUsageOID.CLIENT_AUTH)
        if self.knobs.acl is not None:
            private(self.folder / "acl", self.knobs.acl)
        private(self.folder / "passwd", "".join(_entry(user, secret) for user, secret in SECRETS.items()))
        private(self.folder / "conf", "\n".join(self._conf()) + "\n")

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        assert program, "these tests need Mosquitto: apt-get install mosquitto"
        with self.log.open("wb") as log:
            command = [program, "-c", self.path("conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._is_up)

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            wait_until(lambda process=self._process: _has_ended(process))
        self._process = None

    def start_anew(self) -> None:
        """End, and start without what was kept."""
        self.stop()
        Path(self.path("mosquitto.db")).unlink(missing_ok=True)
        self.start()

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def connection(self, user: str) -> Connection:
        return Connection(
            host="localhost",
            port=self.port,
            tls=self.knobs.tls,
            username=user,
            password=SECRETS.get(user, ""),
            ca_certs=self.path("ca.crt") if self.knobs.tls else "",
        )

    def certified(self) -> Connection:
        return Connection(
            host="localhost",
            port=self.mtls_port,
            tls=True,
            ca_certs=self.path("ca.crt"),
            certfile=self.path("certified.crt"),
            keyfile=self.path("certified.key"),
        )

    @contextmanager
    def granted(self, user: str, topic: str) -> Iterator[None]:
        """One more line in the ACL while the block runs, as an integrator would wire it."""
        before = self.knobs.acl or ""
        private(self.folder / "acl", before.replace(f"user {user}\n", f"user {user}\ntopic write {topic}\n"))
        self.signal(signal.SIGHUP)
        try:
            yield
        finally:
            private(self.folder / "acl", before)
            self.signal(signal.SIGHUP)

    def _is_up(self) -> bool:
        """It listens before it has read its key, and 2.1 says that it runs before it listens."""
        if b" running" not in self.log.read_bytes():
            return False
        if self.knobs.tls:
            return _answers(Listener(self.port, "127.0.0.1"))
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def _conf(self) -> Iterator[str]:
        yield from (f"user {_me()}", "log_type all", f"allow_anonymous {str(self.knobs.anonymous).lower()}")
        yield f"password_file {self.path('passwd')}"
        yield f"retain_available {str(self.knobs.retain).lower()}"
        yield from ("check_retain_source true", "set_tcp_nodelay true")
        yield from ("persistence true", f"persistence_location {self.folder}/", "autosave_interval 1")
        if self.knobs.acl is not None:
            yield f"acl_file {self.path('acl')}"
        yield f"listener {self.port} 127.0.0.1"
        yield from self._server_certificate() if self.knobs.tls else ()
        if self.knobs.mtls:
            yield f"listener {self.mtls_port} 127.0.0.1"
            yield from (*self._server_certificate(), *self._by_certificate())
        if self.knobs.stray:
            yield f"listener {self.stray_port} 127.0.0.1"
        yield from self.knobs.extra

    def _by_certificate(self) -> tuple[str, ...]:
        if not self.knobs.certificates_required:
            return ()
        return ("require_certificate true", "use_identity_as_username true")

    def _server_certificate(self) -> tuple[str, ...]:
        return (
            f"cafile {self.path('ca.crt')}",
            f"certfile {self.path('server.crt')}",
            f"keyfile {self.path('server.key')}",
        )


class Authority:
    """A CA, and what it issues, in a folder; they pass `VERIFY_X509_STRICT`, but for a `plain` one without keyUsage.

    That is what `openssl req -x509` makes, of which the common recipes consist.
    """

    def __init__(self, folder: Path, name: str = "ca", *, plain: bool = False) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {name}")])
        usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        bare = _builder(self._name, self._name, self._key.public_key(), (-365, 3650)).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        full = bare if plain else bare.add_extension(x509.KeyUsage(**usage), critical=True)
        certificate = full.sign(self._key, hashes.SHA256())
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, names: tuple[str, ...], days: tuple[float, float], purpose: x509.ObjectIdentifier
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = dict.fromkeys(_USAGES, False) | {"digital_signature": True}
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(subject, self._name, key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        (self._folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private(self._folder / f"{name}.key", _pem(key))


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def new_key() -> str:
    """A key that belongs to no certificate."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def private(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text)


@contextmanager
def running(folder: Path, knobs: Knobs | None = None) -> Iterator[Mosquitto]:
    """A broker that answers, ended with the block."""
    broker = Mosquitto(folder, knobs or Knobs())
    broker.write()
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: tuple[float, float]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)  # noqa: TID251 - a real broker reads the real clock
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days[0]))
        .not_valid_after(now + timedelta(days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _entry(user: str, secret: str) -> str:
    salt = os.urandom(12)
    derived = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, 101)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}\n"


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
