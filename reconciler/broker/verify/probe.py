"""What is proved, about which broker, and what came of it."""

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
    """A user of the broker as it logs in; `grants` are its ACL lines, None when they are not known.

    One that is `locked` keeps its password to itself, and so cannot be logged in here.
    """

    name: str
    connection: Connection
    grants: tuple[Grant, ...] | None = None
    locked: bool = False


class Kind(StrEnum):
    """Whose certificate it is."""

    CA = "ca"
    SERVER = "server"
    CLIENT = "client"


class KeyFiles(Struct, frozen=True):
    """A certificate among the files, and its key; `key` is empty when that is kept elsewhere."""

    kind: Kind
    certificate: str
    key: str = ""


def _nobody(_port: int) -> str:
    return ""


class Restarts(Struct, frozen=True):
    """How the broker is ended and started again: it runs afterwards, and whenever they raise, if it can.

    `gently` lets it write its database, `by_force` does not. `written` is another number each time it was written.
    `persistent` is what the settings say.
    """

    gently: Callable[[], object]
    by_force: Callable[[], object]
    written: Callable[[], int]
    persistent: bool


class ProofTarget(Struct, frozen=True):
    """The broker to prove, as far as it is known; what is missing makes probes skip.

    `topics` are filters of the job events. `closed_ports` of the broker's host must not answer; `strangers(port)`
    names who, other than the broker, has one, and is empty when it may be the broker.
    `certified` reaches a listener that asks for certificates. `private` names those of `files` that
    nobody but their owner may read. `granted(user, topic)` lets a user write to a topic while its
    block runs, by an ACL line and a reload, and may return before the broker has done it. `restarts` are there when
    the broker may be ended. `patience` is how many seconds each answer of the broker is waited for.
    """

    principals: tuple[Principal, ...]
    topics: tuple[str, ...]
    closed_ports: tuple[int, ...] = ()
    strangers: Callable[[int], str] = _nobody
    certified: Connection | None = None
    files: Mapping[str, File] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    certificates: tuple[KeyFiles, ...] = ()
    granted: Granted | None = None
    restarts: Restarts | None = None
    patience: float = 5.0


class Failed(Exception):
    """A probe saw something else than it must; the message says what."""


class Warned(Exception):
    """A probe saw something that is not as it should be, and is not the broker's doing; the message says what."""


class Skipped(Exception):
    """A probe cannot be made here; the message says why."""


class Check(Struct, frozen=True):
    """A probe to be made: `run` says what it observed, or raises `Failed`, `Warned` or `Skipped`.

    `needs` are keys of the checks that must have passed before, as without them this one means nothing.
    """

    id: str
    subject: str
    expected: str
    fix: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from the other checks of one run."""
        return key(self.id, self.subject)


def key(id_: str, subject: str) -> str:
    """The key of the check with this id and subject."""
    return f"{id_} {subject}".rstrip()
