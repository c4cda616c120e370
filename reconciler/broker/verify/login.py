"""Probes of logins: who can connect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from msgspec.structs import replace

from reconciler.model.broker import Connection
from reconciler.ports.bus import BusRefused, BusUnreachable, Cause
from reconciler.ports.mqtt import connect

from .context import ProofContext, present
from .probe import Check, Failed, ProofTarget, Skipped, key


def checks(scene: ProofContext) -> Iterator[Check]:
    """The probes of the logins, in order."""
    first = scene.target.principals[0].connection
    needs = (key("tls.name", first.host),) if first.tls else ()
    for principal in scene.target.principals:
        yield Check(
            id="login.accepted",
            subject=principal.name,
            expected="the user gets in",
            fix=f"reconciler broker user rotate {principal.name}",
            run=partial(_accepted, scene, principal.name),
            needs=needs,
        )
    yield from _of_strangers(scene.target, needs)


def _of_strangers(target: ProofTarget, needs: tuple[str, ...]) -> Iterator[Check]:
    # if a certificate names the user, the broker ignores passwords
    asked = (each for each in target.principals if not each.connection.certfile)
    by_password = next((each.connection for each in asked if each.connection.password or each.locked), None)
    yield Check(
        id="login.wrong_password",
        subject="",
        expected="a wrong password is refused",
        fix="set password_file, and allow_anonymous false",
        run=partial(_wrong_password, by_password, target.patience),
        needs=needs,
    )
    yield Check(
        id="login.anonymous",
        subject="",
        expected="a client without a user name is refused",
        fix="set allow_anonymous false",
        run=partial(_anonymous, by_password, target.patience),
        needs=needs,
    )
    yield Check(
        id="mtls.no_certificate",
        subject="",
        expected="a client without a certificate is turned away where one is asked for",
        fix="set require_certificate true for this listener",
        run=partial(_no_certificate, target.certified, target.patience),
        needs=needs,
    )


def _accepted(scene: ProofContext, name: str) -> str:
    principal = next(each for each in scene.target.principals if each.name == name)
    if principal.locked:
        raise Skipped(f"reconciler does not know its password; enter it: reconciler broker user password {name}")
    with present(scene, principal) as bus:
        return f"in, with MQTT {'5' if bus.tells_denials else '3.1.1'}"


def _wrong_password(connection: Connection | None, patience: float) -> str:
    if connection is None:
        raise Skipped("no user logs in by password")
    return _refused(replace(connection, password=os.urandom(16).hex()), patience)


def _anonymous(connection: Connection | None, patience: float) -> str:
    if connection is None:
        raise Skipped("no listener takes passwords")
    return _refused(replace(connection, username="", password=""), patience)


def _no_certificate(connection: Connection | None, patience: float) -> str:
    if connection is None:
        raise Skipped("no listener that asks for certificates is known")
    try:
        connect(replace(connection, certfile="", keyfile=""), patience=patience).close()
    except BusUnreachable as error:
        if error.cause is Cause.CLIENT_CERTIFICATE:
            return "turned away before any answer"
        raise
    except BusRefused as error:
        raise Failed(f"the broker spoke MQTT with it: {error.summary}") from error
    raise Failed("it got in")


def _refused(connection: Connection, patience: float) -> str:
    try:
        connect(connection, patience=patience).close()
    except BusRefused as error:
        if error.cause is Cause.BAD_LOGIN:
            return f"refused: {error.detail}"
        raise
    raise Failed("it got in")
