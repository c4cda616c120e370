"""The certificates of a broker that was made by hand: which are kept, and whether clients would accept them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from shlex import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from reconciler.broker.files import layout
from reconciler.broker.files.file_set import PUBLIC, File, FileSet, mistake
from reconciler.broker.keys import certificates
from reconciler.broker.preflight import chain_problem, name_problem
from reconciler.model.adoption import LeftAlone
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.moment import to_day
from reconciler.model.redacted import Redacted

from .folder import HandMadeBroker
from .listeners import FoundListener, PlacedValue

_REISSUE = "reconciler broker init {} --reissue; if a manifest declares it: reconciler broker rotate server"
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class FoundCertificates(Redacted, frozen=True):
    """The certificates and keys that the broker keeps."""

    paths: Mapping[str, str]
    """The files, by the option that names them."""
    server: tuple[x509.Certificate, ...] = ()
    """The server's certificate chain; empty without one."""
    trusted: tuple[x509.Certificate, ...] = ()
    """The CAs; the first one issued the server's certificate."""
    key: bytes = b""
    """The key of the first CA; empty when it is not among the files."""
    key_path: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the server's certificate; names of this machine alone, such as localhost, come last."""
        if not self.server:
            return ()
        said = certificates.alternative_names(self.server[0]) or certificates.common_names(self.server[0])
        return tuple(sorted(said, key=lambda name: name in _LOCAL))


def found_certificates(found: HandMadeBroker, listener: FoundListener | None) -> FoundCertificates:
    """Read the certificates of a listener, and the CA's key if it is among the files."""
    if listener is None:
        return FoundCertificates({})
    paths = {option: _path(found, listener.options.get(option)) for option in ("certfile", "keyfile", "cafile")}
    server = certificates.load(_data(found, paths["certfile"]))
    paths["cafile"] = paths["cafile"] or _beside(found, paths["certfile"], "ca.crt", "ca.pem")
    known = certificates.load(_data(found, paths["cafile"])) or server[:1]
    issuers = [each for each in known if server and certificates.issued_by(server[0], each)]
    trusted = (*issuers, *(each for each in known if each not in issuers))
    key_path = _key_of(found, paths, trusted)
    return FoundCertificates(paths, server, trusted, _data(found, key_path), key_path)


def file_set(found: HandMadeBroker, kept: FoundCertificates) -> FileSet:
    """The certificates and keys as files of a broker that reconciler makes."""
    files: dict[str, File] = {}
    if kept.trusted:
        files[layout.CA_CERTIFICATE] = File(kept.trusted[0].public_bytes(Encoding.PEM), PUBLIC)
    if kept.key:
        files[layout.CA_KEY] = File(kept.key)
    if kept.server:
        files[layout.SERVER_CERTIFICATE] = File(_data(found, kept.paths["certfile"]), PUBLIC)
        files[layout.SERVER_KEY] = File(_data(found, kept.paths["keyfile"]))
    return files


def problems(found: HandMadeBroker, kept: FoundCertificates, host: str, now: datetime) -> Iterator[Diagnostic]:
    """Why clients could not trust the server's certificate, and how to issue a new one."""
    if not kept.paths:
        return
    place, fix = found.full(kept.paths["certfile"] or found.conf), _REISSUE.format(quote(found.directory))
    by_hand = certificates.fingerprint(kept.trusted[0]) if kept.trusted else ""
    key = _data(found, kept.paths["keyfile"])
    what = chain_problem(kept.server, key, kept.trusted[:1], now, by_hand=by_hand)
    what = what or _root_problem(kept) or name_problem(kept.server, host)
    if what:
        yield mistake(place, 0, what, fix)


def remarks(found: HandMadeBroker, kept: FoundCertificates) -> Iterator[LeftAlone]:
    """Weaknesses of the kept certificates that the user should know about."""
    if not kept.server or not kept.trusted:
        return
    place = Place(found.full(kept.paths["certfile"]))
    if not certificates.alternative_names(kept.server[0]):
        why = (
            "it has no subjectAltName: reconciler and Mosquitto's clients use its common name, strict clients refuse it"
        )
        yield LeftAlone(
            "the server's certificate",
            why,
            f"to get a new one from the same CA, afterwards: reconciler broker rotate server {quote(found.directory)}",
            place,
        )
    if not certificates.is_authority(kept.trusted[0]):
        why = "it does not say what its key is for (keyUsage): strict clients, such as Python 3.13, refuse it"
        fix = f"to see how to replace it, afterwards: reconciler broker verify {quote(found.directory)}"
        yield LeftAlone("the CA's certificate", why, fix, Place(found.full(kept.paths["cafile"])))
    if not kept.key:
        why = "the CA's key is not here, so no new certificate can be signed"
        yield LeftAlone("the CA's key", why, "put it beside ca.crt, as ca.key, if you want reconciler to renew", place)
    elif kept.key_path == kept.paths["keyfile"]:
        why = "the server's certificate is its own CA, so Mosquitto has the key that can sign others"
        yield LeftAlone(
            "the CA's key",
            why,
            f"to get a separate CA, later: reconciler broker rotate ca {quote(found.directory)}",
            place,
        )
    for extra in kept.trusted[1:]:
        why = "it did not issue the server's certificate, so no client needs it"
        what = f"the CA {extra.subject.rfc4514_string()}"
        yield LeftAlone(what, why, "", Place(found.full(kept.paths["cafile"])))


def said(kept: FoundCertificates) -> Iterator[str]:
    """The kept certificates, as parts of a sentence."""
    if kept.server and kept.trusted:
        yield "the CA" if kept.key else "the CA, without its key"
        yield f"the server's certificate (until {to_day(kept.server[0].not_valid_after_utc)})"


def _root_problem(kept: FoundCertificates) -> str:
    root = kept.trusted[0]
    return (
        ""
        if certificates.issued_by(root, root)
        else "its CA is not a root CA: clients would need the CAs above it as well"
    )


def _key_of(found: HandMadeBroker, paths: Mapping[str, str], trusted: tuple[x509.Certificate, ...]) -> str:
    """The file with the key of the first CA; empty when there is none."""
    keys = [path for path in found.files if path.endswith(".key")]
    own = sorted(keys, key=lambda path: path == paths["keyfile"])
    return next((path for path in own if trusted and certificates.belongs(found.files[path].data, trusted[0])), "")


def _path(found: HandMadeBroker, named: PlacedValue | None) -> str:
    return found.inside(named.value) if named else ""


def _beside(found: HandMadeBroker, path: str, *names: str) -> str:
    places = (os.path.join(os.path.dirname(path), name) for name in names)
    return next((place for place in places if place in found.files), "")


def _data(found: HandMadeBroker, path: str) -> bytes:
    return found.files[path].data if path in found.files else b""
