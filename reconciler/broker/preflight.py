"""Find every mistake in a set of files before a broker reads it.

Mosquitto 2.1 exits on a bad file at a reload, and 2.0.11 goes on with half of it; its own
`--test-config` overwrites the database. So it is never asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime

from cryptography import x509
from msgspec import Struct

from reconciler.broker.files import acl, conf, kept, passwords
from reconciler.broker.files.file_set import File, FileSet, mistake
from reconciler.broker.keys import certificates
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.moment import to_day

_CONF = "mosquitto.conf"
_KEPT = "kept"
ROTATE = "reconciler broker rotate server"
_MAKE_AGAIN = "let reconciler make the files again"
_PRIVATE = frozenset({"acl_file", "password_file", "keyfile"})
_READ = ("acl_file", "password_file", "cafile", "certfile", "keyfile")


class BrokerLocation(Struct, frozen=True):
    """Where the files will be used."""

    folder: str
    """The folder of the set."""
    host: str
    """The name that clients use for the broker."""
    version: conf.Version
    another: str = ROTATE
    """The command that gives the server another certificate."""


def check(files: FileSet, where: BrokerLocation, now: datetime) -> tuple[Diagnostic, ...]:
    """Find all mistakes in a set, by file and line; paths in `files` are relative to the set's folder.

    Empty means that a broker of this version accepts the set, and that strict clients accept its certificate.
    """
    if _CONF not in files:
        return (mistake(os.path.join(where.folder, _CONF), 0, "the file is missing", _MAKE_AGAIN),)
    text, problems = _text(files[_CONF], os.path.join(where.folder, _CONF))
    settings = conf.parse(text)
    complaints = conf.complaints(settings, where.version, os.path.join(where.folder, _CONF))
    named = {option: _named(settings, option, files, where) for option in _READ}
    return (
        *problems,
        *complaints,
        *_missing(settings, files, where),
        *_open(named, where),
        *_lines(named["acl_file"], where, acl.parse),
        *_lines(named["password_file"], where, passwords.parse),
        *(_dropped(named["password_file"], where) if where.version is conf.Version.V2_0 else ()),
        *_tls(settings, files, where, now),
    )


def _named(settings: tuple[conf.Setting, ...], option: str, files: FileSet, where: BrokerLocation) -> dict[str, File]:
    """The files of the set that an option names."""
    paths = {_inside(value, where) for value in conf.values(settings, option)}
    return {path: files[path] for path in sorted(paths) if path in files}


def _inside(path: str, where: BrokerLocation) -> str:
    return os.path.relpath(path, where.folder)


def _missing(settings: tuple[conf.Setting, ...], files: FileSet, where: BrokerLocation) -> Iterator[Diagnostic]:
    for setting in settings:
        if setting.option in _READ and _inside(setting.value, where) not in files:
            what = f"{setting.option} names {setting.value}, which is not in the set"
            yield mistake(os.path.join(where.folder, _CONF), setting.line, what, _MAKE_AGAIN)


def _open(named: dict[str, dict[str, File]], where: BrokerLocation) -> Iterator[Diagnostic]:
    for option in sorted(_PRIVATE):
        for path, file in named[option].items():
            if file.mode & 0o077:
                full = os.path.join(where.folder, path)
                yield mistake(full, 0, f"its mode is {file.mode:04o}: others may read it", f"chmod 600 {full}")


def _lines(
    named: dict[str, File], where: BrokerLocation, parse: Callable[[str, str], tuple[object, tuple[Diagnostic, ...]]]
) -> Iterator[Diagnostic]:
    for path, file in named.items():
        full = os.path.join(where.folder, path)
        text, problems = _text(file, full)
        yield from problems
        yield from parse(text, full)[1]


def _dropped(named: dict[str, File], where: BrokerLocation) -> Iterator[Diagnostic]:
    for path, file in named.items():
        yield from passwords.dropped_by_2_0(file.data.decode("utf-8", "replace"), os.path.join(where.folder, path))


def _text(file: File, path: str) -> tuple[str, tuple[Diagnostic, ...]]:
    try:
        return file.data.decode(), ()
    except UnicodeDecodeError as error:
        line = file.data.count(b"\n", 0, error.start) + 1
        return file.data.decode("utf-8", "replace"), (mistake(path, line, "this line is not UTF-8", _MAKE_AGAIN),)


def _tls(
    settings: tuple[conf.Setting, ...], files: FileSet, where: BrokerLocation, now: datetime
) -> tuple[Diagnostic, ...]:
    """What is wrong with the certificates of the listeners; listeners that share theirs complain once."""
    found: dict[Diagnostic, None] = {}
    by_hand = kept.parse(files[_KEPT].data.decode("utf-8", "replace")).authority if _KEPT in files else ""
    for listener in conf.values(settings, "listener"):
        own = {each.option: _inside(each.value, where) for each in settings if each.listener == listener}
        paths = [own.get(option, "") for option in ("certfile", "keyfile", "cafile")]
        if all(path in files for path in paths):
            certificate, key, trusted = (files[path].data for path in paths)
            chain, known = certificates.load(certificate), certificates.load(trusted)
            problem = chain_problem(chain, key, known, now, by_hand=by_hand) or name_problem(chain, where.host)
            if problem:
                found[mistake(os.path.join(where.folder, paths[0]), 0, problem, where.another)] = None
    return tuple(found)


def chain_problem(
    chain: tuple[x509.Certificate, ...],
    key: bytes,
    trusted: tuple[x509.Certificate, ...],
    now: datetime,
    *,
    by_hand: str = "",
) -> str:
    """Why clients would not trust a server's certificate; empty when they do.

    A CA with the fingerprint `by_hand` was made by hand: it is enough if clients trust it that do not check strictly.
    """
    if not chain:
        return "it has no certificate that can be read"
    if not certificates.belongs(key, chain[0]):
        return "the server's key does not belong to its certificate"
    issuers = [each for each in trusted if certificates.issued_by(chain[0], each)]
    if not issuers:
        return "no CA that clients trust has issued it"
    lenient = certificates.fingerprint(issuers[0]) == by_hand
    if not (certificates.is_plain_authority if lenient else certificates.is_authority)(issuers[0]):
        return "strict clients do not accept its CA"
    return _date_problem("it", chain[0], now) or _date_problem("its CA", issuers[0], now)


def _date_problem(what: str, certificate: x509.Certificate, now: datetime) -> str:
    facts = certificates.facts(certificate)
    if facts.is_expired(now):
        return f"{what} expired on {to_day(facts.not_after)}"
    return f"{what} begins on {to_day(facts.not_before)} only" if now < facts.not_before else ""


def name_problem(chain: tuple[x509.Certificate, ...], host: str) -> str:
    """Why clients that use the name `host` would not accept the certificate; empty when they do."""
    if certificates.is_for(chain[0], host):
        return ""
    names = certificates.alternative_names(chain[0]) or certificates.common_names(chain[0])
    return f"it is not for {host}, but for {', '.join(names) or 'no name at all'}"
