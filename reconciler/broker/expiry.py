"""When the certificates of a broker end."""

from __future__ import annotations

from datetime import datetime

from reconciler.model.broker_status import Expiry

from . import certificates, layout
from .certificates import Certificate
from .files import FileSet

_KINDS = {layout.SERVER_CERTIFICATE: "server", layout.CA_CERTIFICATE: "ca"}


def expiries(files: FileSet, now: datetime) -> tuple[Expiry, ...]:
    """Every certificate among a broker's files, the first to expire first."""
    found = [
        _expiry(path, certificates.facts(each), now)
        for path, file in files.items()
        if path.endswith(".crt") and path != layout.TRUSTED  # which repeats the CA's
        for each in certificates.load(file.data)
    ]
    return tuple(sorted(found, key=lambda each: (each.not_after, each.path)))


def _expiry(path: str, certificate: Certificate, now: datetime) -> Expiry:
    return Expiry(
        kind=_KINDS.get(path, "client"),
        path=path,
        subject=certificate.subject,
        not_after=certificate.not_after,
        days_left=certificate.days_left(now),
        due=certificate.is_due(now),
        expired=certificate.is_expired(now),
    )
