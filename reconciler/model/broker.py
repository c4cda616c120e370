"""A Mosquitto broker: what is declared of it, and how a client reaches one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from reconciler.model.discreet import Discreet

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
    RECONCILER = "reconciler"  # both
    CUSTOM = "custom"  # what its own ACL lines say


class Access(StrEnum):
    """What an ACL line allows, or forbids."""

    READ = "read"
    WRITE = "write"
    READWRITE = "readwrite"
    DENY = "deny"


class Grant(Struct, frozen=True):
    """One ACL line of a user: `access` to all topics that match the filter."""

    access: Access
    topic: str


class BrokerUser(Struct, frozen=True):
    """Somebody who may log in. `grants` are those of a custom role, else they follow from the role."""

    name: str
    role: Role
    grants: tuple[Grant, ...] = ()


class Listener(Struct, frozen=True):
    """A TLS port. An empty `bind` means every interface; with `mtls` clients show a certificate."""

    port: int = 8883
    bind: str = ""
    mtls: bool = False


class KeyKind(StrEnum):
    """The kind of the private keys that are made."""

    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"


class Tls(Struct, frozen=True):
    """How certificates are made. Lifetimes in days; `ca_cert` and `ca_key` are paths of an existing CA."""

    key: KeyKind = KeyKind.ECDSA_P256
    ca_days: int = 3650
    leaf_days: int = 90
    ca_cert: str = ""
    ca_key: str = ""


class Limits(Struct, frozen=True):
    """What one client may ask of the broker. Sizes in bytes, `keepalive` in seconds, `expiry` in days."""

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
    """One declared broker. `directory` is absolute; `host` is the name by which clients reach it.

    `names` are further names and addresses in the server's certificate. `topics` are the filters
    of the job events, which the roles are about.
    """

    address: Address
    directory: str
    host: str = "localhost"
    names: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = (Listener(),)
    users: tuple[BrokerUser, ...] = DEFAULT_USERS
    topics: tuple[str, ...] = (JOB_EVENTS,)
    demo_topic: bool = False
    tls: Tls = field(default_factory=Tls)
    persistence: bool = True
    limits: Limits = field(default_factory=Limits)
    target: Target = Target.PROCESS
    place: Place | None = None


class Connection(Discreet, frozen=True):
    """How a client reaches a broker, and as whom; paths are absolute or empty."""

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


def is_local(block: Mapping[str, object]) -> bool:
    """Whether the `broker` block of a job record says that its events go through files."""
    return block.get(LOCAL) is True


class BrokerWarning(Struct, frozen=True):
    """What the user should know of the broker that is used."""

    text: str


class Effect(StrEnum):
    """What other files ask of a running broker, from the least to the most disturbing."""

    NOTHING = "nothing"
    RELOAD = "reload"  # SIGHUP: nobody is dropped but who may not stay
    RESTART = "restart"


class HandEdit(Struct, frozen=True):
    """What somebody changed in a file of the broker; without `changes`, its layout alone.

    Paths are `max_keepalive` and `listener.8883.bind` of the configuration, `acl.NAME`, `users.NAME`; an empty one is
    the whole file. With `against_now`, the settings have changed since the file was written: the changes are then
    those from what the settings say now.
    """

    path: str
    changes: tuple[DeepChange, ...] = ()
    against_now: bool = False


class Survey(Struct, frozen=True):
    """How a broker is, held against what is declared of it; no secret is in it.

    `made` is true when it has files. `changes` are what its files would get, with the `effect` of that and of what
    it has not read yet. `reasons` say why, in words. `edited` were changed by hand, and `hand_edits` say in what.
    `due` are certificates that must be renewed, with the reason. `runs` is None when something else than this user
    runs it. `problems` are why the files would not do. `basis` names the live facts that all this rests on.
    A broker that was made `by_hand` is taken over: `keeps` says in words what stays as it is, and `left_alone` what is
    not taken over, as warnings.
    """

    made: bool
    changes: tuple[Change, ...] = ()
    effect: Effect = Effect.NOTHING
    reasons: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    hand_edits: tuple[HandEdit, ...] = ()
    due: tuple[str, ...] = ()
    runs: bool | None = None
    problems: tuple[Diagnostic, ...] = ()
    basis: str = ""
    by_hand: bool = False
    keeps: tuple[str, ...] = ()
    left_alone: tuple[Diagnostic, ...] = ()
