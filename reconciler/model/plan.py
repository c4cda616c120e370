"""The result of a comparison: everything that will be done, and everything else worth saying."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from .action import Action, Reason, Verb
from .address import Address
from .desired import Accept
from .diagnostic import Diagnostic, Place, Severity
from .drift_class import DriftClass
from .errors import UsageError
from .record import Json, RowEdit

if TYPE_CHECKING:
    from .deep import DeepChange


class Mode(StrEnum):
    """What was asked for. For the screen only: apply is described by the actions alone."""

    NORMAL = "normal"
    DESTROY = "destroy"
    REFRESH_ONLY = "refresh-only"


class Drift(Struct, frozen=True):
    """The registry and the live world differ; `edits` make the registry say what is true.

    `path` is the field that differs: one of the registry's row, or a file of the broker. A `silent` one is written
    down and told to nobody. The `message` says what is; `done` is what a pass that writes the `edits` says instead,
    where it differs. `changes` say what differs inside of a file: None where nothing tells, empty
    where its layout alone does.
    """

    kind: DriftClass
    session: str
    address: Address | None
    message: str
    before: Json
    after: Json
    edits: tuple[RowEdit, ...] = ()
    path: str = ""
    silent: bool = False
    done: str = ""
    changes: tuple[DeepChange, ...] | None = None


class AcceptedDrift(Struct, frozen=True):
    """A drift that is no news, and the words in a manifest that say so."""

    drift: Drift
    by: Accept


class Unmanaged(Struct, frozen=True):
    """A live session that looks like ours but is in no manifest."""

    session: str
    command: str
    cwd: str
    pid: int
    workspace: str = ""
    role: str = ""
    agent: str = ""


class Plan(Struct, frozen=True):
    """Ordered actions, the drift found on the way, and what to tell the user.

    `actions` is in the order in which apply starts them; a no-op is an action too. `drift` is without what is
    `accepted`, and without what the registry only learns (`learned`). `unused` accepts nothing that was found.
    `places` and `registry` are where the user reads more: the manifest's line for what is declared, else the
    registry's file.
    """

    mode: Mode
    lineage: str
    serial: int
    manifest_digest: str
    actions: tuple[Action, ...] = ()
    drift: tuple[Drift, ...] = ()
    accepted: tuple[AcceptedDrift, ...] = ()
    learned: tuple[Drift, ...] = ()
    unused: tuple[Accept, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    places: Mapping[Address, Place] = field(default_factory=dict)
    registry: str = ""

    @property
    def found(self) -> tuple[Drift, ...]:
        """Every drift, accepted or not, and what was learned: the registry is to say what is true."""
        return (*self.drift, *self.learned, *(each.drift for each in self.accepted))

    @property
    def pending(self) -> tuple[Action, ...]:
        """The actions that do, or would like to do, something."""
        return tuple(a for a in self.actions if a.verb is not Verb.NOOP)

    @property
    def in_sync(self) -> bool:
        """True when an apply would do nothing and nothing is uncertain."""
        drifted = self.mode is Mode.REFRESH_ONLY and bool(self.drift)
        return not self.pending and not drifted and not self.errors

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are more than a warning."""
        return tuple(d for d in self.diagnostics if d.severity is not Severity.WARNING)

    @property
    def stopping(self) -> tuple[Diagnostic, ...]:
        """The errors that stop an apply: one about an address that is put off stops nothing else.

        Where nothing but such addresses is pending, they stop it too: there is nothing to be done.
        """
        only_put_off = all(action.reason is Reason.WITHHELD for action in self.pending)
        return self.errors if only_put_off else self.barring

    @property
    def barring(self) -> tuple[Diagnostic, ...]:
        """The errors that are not about an address that is put off."""
        put_off = {str(action.address) for action in self.pending if action.reason is Reason.WITHHELD}
        return tuple(error for error in self.errors if error.address not in put_off)


def mode_of(*, destroy: bool, refresh_only: bool) -> Mode:
    """The mode that two options ask for; UsageError when they ask for two."""
    if refresh_only and destroy:
        raise UsageError("--refresh-only cannot be combined with --destroy")
    if destroy:
        return Mode.DESTROY
    return Mode.REFRESH_ONLY if refresh_only else Mode.NORMAL
