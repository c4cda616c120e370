"""Probes of the broker's files, without a running broker: modes, keys and expiry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cryptography import x509

from reconciler.broker.files.file_set import File
from reconciler.broker.keys import certificates
from reconciler.ports.world import Clock

from .probe import Check, Failed, KeyFiles, Kind, ProofTarget, key
from .tls import LONG_ENOUGH, days_left


def checks(target: ProofTarget, clock: Clock) -> Iterator[Check]:
    """The probes of the known files. The expiry of the server's certificate is tested over TLS instead."""
    for path in target.private:
        run = partial(_private, target, path)
        yield Check(
            id="files.private",
            subject=path,
            expected="only its owner can read the file",
            fix=f"chmod 600 {path}",
            run=run,
        )
    for stored in target.certificates:
        if stored.key:
            expected, fix = f"it is the key of {stored.certificate}", "restore the right key, or rotate both"
            yield Check(
                id="files.key", subject=stored.key, expected=expected, fix=fix, run=partial(_belongs, target, stored)
            )
        if stored.kind is not Kind.SERVER:
            run, fix = partial(_expiry, target, stored, clock), f"reconciler broker rotate {stored.kind}"
            yield Check(id=f"expiry.{stored.kind}", subject=stored.certificate, expected=LONG_ENOUGH, fix=fix, run=run)


def fit(target: ProofTarget) -> tuple[str, ...]:
    """The keys of the checks that must pass before a broker is reloaded."""
    return tuple(key("files.key", stored.key) for stored in target.certificates if stored.key)


def _private(target: ProofTarget, path: str) -> str:
    mode = f"{_file(target, path).mode:04o}"
    if not mode.endswith("00"):
        raise Failed(f"its mode is {mode}")
    return f"its mode is {mode}"


def _belongs(target: ProofTarget, stored: KeyFiles) -> str:
    if not certificates.belongs(_file(target, stored.key).data, _leaf(target, stored)):
        raise Failed("it is another one")
    return "it is"


def _expiry(target: ProofTarget, stored: KeyFiles, clock: Clock) -> str:
    facts = certificates.facts(_leaf(target, stored))
    return days_left(clock.now(), facts.not_before, facts.not_after)


def _leaf(target: ProofTarget, stored: KeyFiles) -> x509.Certificate:
    found = certificates.load(_file(target, stored.certificate).data)
    if not found:
        raise Failed(f"{stored.certificate} has no certificate")
    return found[0]


def _file(target: ProofTarget, path: str) -> File:
    if path not in target.files:
        raise Failed(f"{path} is missing")
    return target.files[path]
