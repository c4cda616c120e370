"""`schemas/broker-status.schema.json`: the document of `broker status --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import ChangeDoc, DeepChangeDoc
from .common import DiagnosticDoc, documented


@documented
class BrokerListenerDoc(TypedDict):
    """A TLS port of a broker."""

    port: int
    bind: str
    """Address that it listens on; empty for every one."""
    mtls: bool
    """True when clients show a certificate instead of a password."""


@documented
class BrokerUserDoc(TypedDict):
    """Somebody whom the broker's password file lets in."""

    name: str
    role: str | None
    """Null for one that no setting names."""


@documented
class CertificateDoc(TypedDict):
    """One certificate of a broker."""

    kind: str
    """ca, server or client."""
    path: str
    """From the broker's folder."""
    subject: str
    not_after: str
    """UTC, ISO 8601."""
    days_left: int
    """Whole days; negative afterwards."""
    due: bool
    """True when a third of its life is left, or less."""
    expired: bool


@documented
class HandEditDoc(TypedDict):
    """What was changed by hand in one file of a broker."""

    path: str
    """From the broker's folder."""
    words: str
    """The same in a clause for people."""
    changes: list[DeepChangeDoc]
    """Empty when nothing but the layout differs: comments, spaces, the order of lines."""
    against_now: bool
    """True when the settings have changed since: `changes` are then those from what the settings say now."""


@documented
class BrokerStatusDoc(TypedDict):
    """How a broker is, held against its settings."""

    format_version: str
    address: str
    dir: str
    host: str
    target: Literal["process", "docker", "systemd"]
    running: bool | None
    """Null when something else than this user runs it."""
    pid: int | None
    version: str
    """Of the Mosquitto on this machine; empty for a container."""
    listeners: list[BrokerListenerDoc]
    users: list[BrokerUserDoc]
    certificates: list[CertificateDoc]
    """The first to expire first."""
    edited: list[str]
    """Files that were changed by hand."""
    hand_edits: NotRequired[list[HandEditDoc]]
    """What was changed in each of them."""
    changes: list[ChangeDoc]
    """What an apply, or `broker init`, would change."""
    effect: Literal["nothing", "reload", "restart"]
    """What these changes, and `waiting`, ask of the running broker."""
    waiting: Literal["nothing", "reload", "restart"]
    """What the running broker must do to follow the files that are there already."""
    diagnostics: list[DiagnosticDoc]
    """Why the files would not do."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(BrokerStatusDoc, title="reconciler broker status", identifier="broker-status.schema.json")
