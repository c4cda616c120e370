"""The certificate of the page: given, or issued by a CA of this project's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.broker.keys import certificates, pki
from reconciler.model.broker import KeyKind, Tls
from reconciler.model.errors import ReconcilerError
from reconciler.ports import own_files
from reconciler.ports.private_files import read_private

CA, CA_KEY, SERVER, SERVER_KEY = "ca.crt", "ca.key", "server.crt", "server.key"
_LIMIT = 1 << 16
_DAYS = 397  # browsers accept no server certificate that lives longer
_TLS = Tls(key=KeyKind.ECDSA_P256)


class WebCertificate(Struct, frozen=True):
    """The files of a certificate, and the CA that browsers must trust for it; empty if it is given."""

    certificate: str
    key: str
    ca: bytes = b""

    @property
    def ca_fingerprint(self) -> str:
        """The SHA-256 of the CA, in pairs of digits as browsers show it; empty without one."""
        found = certificates.load(self.ca)
        digits = certificates.fingerprint(found[0]).upper() if found else ""
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def own_certificate(folder: str, names: Sequence[str], now: datetime) -> WebCertificate:
    """The certificate for these names in a folder of ours, issued anew where it is missing, due or for other names.

    The CA stays as long as it can sign, because phones trust it. Raises ReconcilerError.
    """
    authority = _authority(folder, now)
    leaf = pki.Leaf(names[0][:64], tuple(names), pki.Purpose.SERVER, _TLS.key, _DAYS)
    found = pki.CertifiedKey(_read(folder, SERVER), _read(folder, SERVER_KEY))
    if not found.certificate or pki.why_renew(found, leaf, authority, now):
        made = pki.issue(authority, leaf, now)
        _write(folder, {SERVER_KEY: made.key, SERVER: made.certificate})
    return WebCertificate(os.path.join(folder, SERVER), os.path.join(folder, SERVER_KEY), authority.trusted[0])


def _authority(folder: str, now: datetime) -> pki.Authority:
    certificate, key = _read(folder, CA), _read(folder, CA_KEY)
    found = pki.Authority((certificate,), key)
    if certificate and not pki.authority_problem(found, now):
        return found
    made = pki.new_authority("reconciler web", _TLS, now)
    _write(folder, {CA_KEY: made.key, CA: made.trusted[0]})
    return made


def _read(folder: str, name: str) -> bytes:
    try:
        return read_private(folder, name, _LIMIT)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ReconcilerError(f"{os.path.join(folder, name)} cannot be used", detail=error.strerror or "") from error


def _write(folder: str, files: dict[str, bytes]) -> None:
    try:
        own_files.make_folder(folder, 0o700)
        for name, data in files.items():
            own_files.replace(os.path.join(folder, name), data, 0o600)
    except OSError as error:
        raise ReconcilerError(f"{folder} cannot be written", detail=error.strerror or "") from error
