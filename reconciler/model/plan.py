"""The result of a comparison: the actions, the drift, and the messages for the user."""

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
    """What the user asked for. Only the output uses it; the actions alone say what apply does."""

    NORMAL = "normal"
    DESTROY = "destroy"
    REFRESH_ONLY = "refresh-only"


class Drift(Struct, frozen=True):
    """One difference between the registry and the live state."""

    kind: DriftClass
    session: str
    address: Address | None
    message: str
    """What is true now."""
    before: Json
    after: Json
    edits: tuple[RowEdit, ...] = ()
    """The edits that correct the registry."""
    path: str = ""
    """The field that differs, of the registry's row; or the file of the broker that differs."""
    silent: bool = False
    """Whether it is corrected without being reported."""
    done: str = ""
    """What a monitor pass reports when it has written the `edits`; empty when that is `message`."""
    changes: tuple[DeepChange, ...] | None = None
    """What differs inside a file: None when unknown, empty when only the layout differs."""


class AcceptedDrift(Struct, frozen=True):
    """A drift that is ignored, and the `accept` entry of a manifest that says so."""

    drift: Drift
    by: Accept


class Unmanaged(Struct, frozen=True):
    """A live session that is named like ours, but that no manifest declares."""

    session: str
    command: str
    cwd: str
    pid: int
    workspace: str = ""
    role: str = ""
    agent: str = ""


class Plan(Struct, frozen=True):
    """The ordered actions, the drift, and the messages for the user."""

    mode: Mode
    lineage: str
    serial: int
    manifest_digest: str
    actions: tuple[Action, ...] = ()
    """In the order in which apply starts them. A no-op is an action, too."""
    drift: tuple[Drift, ...] = ()
    """The drift to report, without `accepted` and `learned`."""
    accepted: tuple[AcceptedDrift, ...] = ()
    learned: tuple[Drift, ...] = ()
    """Drift from normal use, where the registry only learns more about a conversation."""
    unused: tuple[Accept, ...] = ()
    """`accept` entries that match no drift."""
    unmanaged: tuple[Unmanaged, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    places: Mapping[Address, Place] = field(default_factory=dict)
    """Where each address is declared."""
    registry: str = ""
    """The registry's file, shown as the place of addresses that are not declared."""

    @property
    def all_drift(self) -> tuple[Drift, ...]:
        """Every drift, accepted and learned ones included. All of it is corrected in the registry."""
        return (*self.drift, *self.learned, *(each.drift for each in self.accepted))

    @property
    def pending(self) -> tuple[Action, ...]:
        """The actions that do something, or would if nothing prevented it."""
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
    def blocking_errors(self) -> tuple[Diagnostic, ...]:
        """The errors that stop an apply.

        An error about a withheld address does not stop the other addresses. If only withheld addresses are pending,
        there is nothing to do, so their errors stop the apply too.
        """
        only_withheld = all(action.reason is Reason.WITHHELD for action in self.pending)
        return self.errors if only_withheld else self.general_errors

    @property
    def general_errors(self) -> tuple[Diagnostic, ...]:
        """The errors that are not about a withheld address."""
        withheld = {str(action.address) for action in self.pending if action.reason is Reason.WITHHELD}
        return tuple(error for error in self.errors if error.address not in withheld)


def mode_of(*, destroy: bool, refresh_only: bool) -> Mode:
    """The mode that the options select. Raises UsageError for both options together."""
    if refresh_only and destroy:
        raise UsageError("--refresh-only cannot be combined with --destroy")
    if destroy:
        return Mode.DESTROY
    return Mode.REFRESH_ONLY if refresh_only else Mode.NORMAL
