"""`schemas/broker-status.schema.json`: the document of `broker status --json`."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import ChangeDoc, DeepChangeDoc
from .common import DiagnosticDoc


class BrokerListenerDoc(TypedDict):
    """A TLS port of a broker."""

    port: int
    bind: str
    """The address that it listens on; empty for all addresses."""
    mtls: bool
    """True if clients log in with a certificate instead of a password."""


class BrokerUserDoc(TypedDict):
    """A user in the broker's password file."""

    name: str
    role: str | None
    """Null for a user that the settings do not name."""


class CertificateDoc(TypedDict):
    """One certificate of a broker."""

    kind: str
    """ca, server or client."""
    path: str
    """Relative to the broker's folder."""
    subject: str
    not_after: str
    """UTC, ISO 8601."""
    days_left: int
    """Whole days until it expires; negative after that."""
    due: bool
    """True if a third of its lifetime or less is left."""
    expired: bool


class HandEditDoc(TypedDict):
    """What was changed by hand in one file of a broker."""

    path: str
    """Relative to the broker's folder."""
    words: str
    """The same as a clause of text."""
    changes: list[DeepChangeDoc]
    """Empty if only the layout differs: comments, spaces, the order of lines."""
    against_now: bool
    """True if the settings have changed since, too; then `changes` compare the file with the present settings."""


class BrokerStatusDoc(TypedDict):
    """The state of a broker, compared with its settings."""

    format_version: str
    address: str
    dir: str
    host: str
    target: Literal["process", "docker", "systemd"]
    running: bool | None
    """Null if another user or a container runs it."""
    pid: int | None
    version: str
    """The version of the Mosquitto on this machine; empty for a container."""
    listeners: list[BrokerListenerDoc]
    users: list[BrokerUserDoc]
    certificates: list[CertificateDoc]
    """Soonest expiry first."""
    edited: list[str]
    """Files that were changed by hand."""
    hand_edits: NotRequired[list[HandEditDoc]]
    """What was changed in each of them."""
    changes: list[ChangeDoc]
    """What an apply or `broker init` would change."""
    effect: Literal["nothing", "reload", "restart"]
    """What the running broker must do for these changes and for `waiting`."""
    waiting: Literal["nothing", "reload", "restart"]
    """What the running broker must do to load the files that are already written."""
    diagnostics: list[DiagnosticDoc]
    """Why the files are not usable."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(BrokerStatusDoc, title="reconciler broker status", identifier="broker-status.schema.json")
