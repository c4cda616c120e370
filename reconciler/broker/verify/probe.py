"""The values of a proof: the broker, its users and files, and a single check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from reconciler.broker.files.file_set import File
from reconciler.model.broker import Connection, Grant

Granted: TypeAlias = Callable[[str, str], AbstractContextManager[None]]


class Principal(Struct, frozen=True):
    """A user of the broker, and how it logs in."""

    name: str
    connection: Connection
    grants: tuple[Grant, ...] | None = None
    """The user's ACL lines; None when unknown."""
    locked: bool = False
    """Whether reconciler does not know the password, so that it cannot log in as this user."""


class Kind(StrEnum):
    """The owner of a certificate."""

    CA = "ca"
    SERVER = "server"
    CLIENT = "client"


class KeyFiles(Struct, frozen=True):
    """A certificate file and its key file; `key` is empty when the key is elsewhere."""

    kind: Kind
    certificate: str
    key: str = ""


def _nobody(_port: int) -> str:
    return ""


class Restarts(Struct, frozen=True):
    """How to stop and restart the broker. It runs afterwards, even if a function raises, unless it cannot start."""

    gently: Callable[[], object]
    """Stops it so that it writes its database."""
    by_force: Callable[[], object]
    """Kills it, so that it does not."""
    written: Callable[[], int]
    """Returns a number that changes with each write of the database."""
    persistent: bool
    """The setting `persistence`."""


class ProofTarget(Struct, frozen=True):
    """The broker to prove, as far as it is known. Probes that need a missing value are skipped."""

    principals: tuple[Principal, ...]
    topics: tuple[str, ...]
    """Filters of the job events."""
    runners: tuple[str, ...] = ()
    """The users who take jobs for the host of their name."""
    closed_ports: tuple[int, ...] = ()
    """Ports of the broker's host that must not answer."""
    strangers: Callable[[int], str] = _nobody
    """Describes the program on a port; empty when it may be the broker."""
    certified: Connection | None = None
    """A connection to a listener that requires client certificates."""
    files: Mapping[str, File] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    """Names of the files that only their owner may read."""
    certificates: tuple[KeyFiles, ...] = ()
    granted: Granted | None = None
    """Lets a user write to a topic while a block runs, with an ACL line and a reload.

    It may return before the broker has read the line.
    """
    restarts: Restarts | None = None
    """Present when the broker may be stopped."""
    patience: float = 5.0
    """How long to wait for each answer, in seconds."""


class Failed(Exception):
    """The broker does not behave as it must; the message says what the probe saw."""


class Warned(Exception):
    """Something is wrong that is not the broker's fault; the message says what."""


class Skipped(Exception):
    """A probe cannot be made here; the message says why."""


class Check(Struct, frozen=True):
    """A probe to make: `run` returns what it observed, or raises `Failed`, `Warned` or `Skipped`.

    `needs` has the keys of the checks that must pass first, because without them this one proves nothing.
    """

    id: str
    subject: str
    expected: str
    fix: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key of this check within a run."""
        return key(self.id, self.subject)


def key(id_: str, subject: str) -> str:
    """The key of the check with this id and subject."""
    return f"{id_} {subject}".rstrip()
