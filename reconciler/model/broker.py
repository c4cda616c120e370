"""A Mosquitto broker: how it is declared, how a client connects to it, and how it differs from its declaration."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from reconciler.model.redacted import Redacted

from .address import Address
from .change import Change
from .diagnostic import Diagnostic, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .deep import DeepChange

JOB_EVENTS = "python/mqtt/jobs/+/events"
DEMO_TOPIC = "python/mqtt/sample"
PUBLIC_BROKER = "broker.hivemq.com"
LOCAL = "local"
"""The one key of the `broker` block of a job record whose events go through files."""


class Role(StrEnum):
    """What a user of the broker may do with the job events."""

    OBSERVER = "observer"  # reads them
    WORKER = "worker"  # writes them
    RECONCILER = "reconciler"  # both; beside a runner, the jobs for all hosts, too
    RUNNER = "runner"  # takes the jobs for the host of its name, and writes their events
    CUSTOM = "custom"  # what its own ACL lines say


class Access(StrEnum):
    """What an ACL line allows or forbids."""

    READ = "read"
    WRITE = "write"
    READWRITE = "readwrite"
    DENY = "deny"


class Grant(Struct, frozen=True):
    """One ACL line of a user: `access` to all topics that match the filter."""

    access: Access
    topic: str


class BrokerUser(Struct, frozen=True):
    """A user who may log in."""

    name: str
    role: Role
    grants: tuple[Grant, ...] = ()
    """The ACL lines of a custom role. The other roles have fixed ones."""


class Listener(Struct, frozen=True):
    """A port that accepts TLS connections."""

    port: int = 8883
    bind: str = ""
    """The address to listen on; empty for every interface."""
    mtls: bool = False
    """Whether clients must present a certificate."""


class KeyKind(StrEnum):
    """The kind of private key that is generated."""

    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"


class Tls(Struct, frozen=True):
    """How certificates are made. Lifetimes are in days; `ca_cert` and `ca_key` are the paths of an existing CA."""

    key: KeyKind = KeyKind.ECDSA_P256
    ca_days: int = 3650
    leaf_days: int = 90
    ca_cert: str = ""
    ca_key: str = ""


class Limits(Struct, frozen=True):
    """The limits of each client. Sizes are in bytes, `keepalive` is in seconds, `expiry` in days."""

    connections: int = 1000
    packet_size: int = 262_144
    queued_messages: int = 10_000
    inflight_messages: int = 50
    keepalive: int = 300
    expiry: int = 7


class Target(StrEnum):
    """What runs the broker."""

    PROCESS = "process"  # this user, by `broker run`
    DOCKER = "docker"
    SYSTEMD = "systemd"


DEFAULT_USERS = (BrokerUser("claude-worker", Role.WORKER), BrokerUser("hermes", Role.OBSERVER))


class Broker(Struct, frozen=True):
    """One declared broker."""

    address: Address
    directory: str
    """The absolute path of the folder with its files."""
    host: str = "localhost"
    """The name by which clients reach it."""
    names: tuple[str, ...] = ()
    """More names and addresses for the server's certificate."""
    listeners: tuple[Listener, ...] = (Listener(),)
    users: tuple[BrokerUser, ...] = DEFAULT_USERS
    topics: tuple[str, ...] = (JOB_EVENTS,)
    """The topic filters of job events, which the roles give access to."""
    demo_topic: bool = False
    tls: Tls = field(default_factory=Tls)
    persistence: bool = True
    limits: Limits = field(default_factory=Limits)
    target: Target = Target.PROCESS
    place: Place | None = None


class Connection(Redacted, frozen=True):
    """How a client connects to a broker, and with which login. Paths are absolute or empty."""

    host: str = PUBLIC_BROKER
    port: int = 1883
    tls: bool = False
    username: str = ""
    password: str = ""
    ca_certs: str = ""
    certfile: str = ""
    keyfile: str = ""
    client_id_prefix: str = "hermes"


class Spool(Struct, frozen=True):
    """Events go through files in the folder of the job records: no broker is used, and no network."""

    folder: str


EventWay: TypeAlias = Connection | Spool


NATS = "nats"
"""The one key of the `broker` block of a job record whose events go over a NATS server; its value is the address."""


def is_local(block: Mapping[str, object]) -> bool:
    """Whether the `broker` block of a job record says that its events go through files."""
    return block.get(LOCAL) is True


class BrokerWarning(Struct, frozen=True):
    """A warning about the broker that is used."""

    text: str


class Effect(StrEnum):
    """What a running broker must do to use changed files. The least disturbing comes first."""

    NOTHING = "nothing"
    RELOAD = "reload"  # SIGHUP: only clients that lost their access are disconnected
    RESTART = "restart"


class HandEdit(Struct, frozen=True):
    """A file of the broker that was edited by hand, and how."""

    path: str
    changes: tuple[DeepChange, ...] = ()
    """The edits; none when only the layout differs.

    Their paths are `max_keepalive` or `listener.8883.bind` for the configuration, `acl.NAME` and `users.NAME` for the
    other files. An empty path is the whole file.
    """
    against_now: bool = False
    """Whether `changes` compares with the present settings: they changed after the file was written."""


class Survey(Struct, frozen=True):
    """A broker compared with its declaration. It contains no secrets."""

    made: bool
    """Whether the broker has its files."""
    changes: tuple[Change, ...] = ()
    """What would change in its files."""
    effect: Effect = Effect.NOTHING
    """What the broker must do to use `changes`, and earlier changes that it has not read yet."""
    reasons: tuple[str, ...] = ()
    """Why there are changes, in words for the user."""
    edited: tuple[str, ...] = ()
    """The files that were edited by hand."""
    hand_edits: tuple[HandEdit, ...] = ()
    """How they were edited."""
    due: tuple[str, ...] = ()
    """Certificates that must be renewed, each with the reason."""
    runs: bool | None = None
    """Whether it runs; None when it does not run as a process of this user, so that only its target knows."""
    problems: tuple[Diagnostic, ...] = ()
    """Why the broker could not work with its files."""
    basis: str = ""
    """The live facts behind all this, as text. A saved plan is stale when they differ."""
    by_hand: bool = False
    """Whether the broker was set up by hand, and reconciler takes it over."""
    keeps: tuple[str, ...] = ()
    """What a takeover keeps as it is, in words for the user."""
    left_alone: tuple[Diagnostic, ...] = ()
    """Warnings about what a takeover leaves out."""
