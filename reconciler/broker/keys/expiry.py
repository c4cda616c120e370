"""List when the certificates of a broker expire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.broker.files import layout
from reconciler.broker.files.file_set import FileSet
from reconciler.model.broker_status import Expiry

from . import certificates
from .certificates import Certificate

_KINDS = {layout.SERVER_CERTIFICATE: "server", layout.CA_CERTIFICATE: "ca"}


def expiries(files: FileSet, now: datetime) -> tuple[Expiry, ...]:
    """Every certificate among a broker's files, the first to expire first."""
    found = [_expiry(path, certificate, now) for path, certificate in _facts(files)]
    return tuple(sorted(found, key=lambda each: (each.not_after, each.path)))


def due_moments(files: FileSet) -> list[datetime]:
    """When each certificate is due for renewal."""
    return [certificate.due_at for _, certificate in _facts(files)]


def _facts(files: FileSet) -> Iterator[tuple[str, Certificate]]:
    for path, file in files.items():
        if path.endswith(".crt") and path != layout.TRUSTED:  # it is a copy of the CA's
            yield from ((path, certificates.facts(each)) for each in certificates.load(file.data))


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
