"""The events of an apply. `line` is the published form of an event: a line of `apply --json`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias, cast

from msgspec import Struct

from reconciler.model.action import Action
from reconciler.model.event import ActionEvent
from reconciler.model.generation import Confirmation
from reconciler.model.moment import to_millisecond
from reconciler.plan.verdict import Verdict
from reconciler.render.documents.adopt import AdoptionDoc
from reconciler.render.documents.common import DiagnosticDoc
from reconciler.render.documents.event import EventDoc
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.edits import EditDoc, RestoreDoc


class Began(Struct, frozen=True):
    """The first event: versions of program and format."""

    line: EventDoc


class PlanMade(Struct, frozen=True):
    """The plan is made. Nothing was done yet."""

    line: EventDoc
    document: PlanDoc


class ManifestEdited(Struct, frozen=True):
    """A manifest block will be added or removed."""

    line: EventDoc
    document: EditDoc


class ManifestRestored(Struct, frozen=True):
    """A manifest will be restored from an earlier generation."""

    line: EventDoc
    document: RestoreDoc


class AdoptionFound(Struct, frozen=True):
    """What `adopt` found and will do. Nothing was done yet."""

    line: EventDoc
    document: AdoptionDoc


class FileReported(Struct, frozen=True):
    """One file was written, or could not be written."""

    line: EventDoc


class AdoptionConcluded(Struct, frozen=True):
    """The result of an adoption: counts, and what was not done."""

    line: ClassVar[None] = None
    done: tuple[str, ...]
    remaining: tuple[str, ...]


class InfoMessage(Struct, frozen=True):
    """A note for the user that is not published."""

    line: ClassVar[None] = None
    text: str


class Diagnosed(Struct, frozen=True):
    """Why nothing, or not everything, was done. If `raised`, the same error ends the iteration after its events."""

    line: EventDoc
    document: DiagnosticDoc
    raised: bool = False


class WalkBegan(Struct, frozen=True):
    """The work on this many actions begins.

    Manifests are already written. `unfinished` describes them: show it unless the work is completed.
    """

    line: ClassVar[None] = None
    actions: int
    unfinished: tuple[str, ...] = ()


class ActionReported(Struct, frozen=True):
    """Something happened to one address."""

    line: EventDoc
    event: ActionEvent


class WalkEnded(Struct, frozen=True):
    """The work on actions has ended."""

    line: ClassVar[None] = None


class Concluded(Struct, frozen=True):
    """The result of the work. `written` are the sessions that a refresh wrote to the registry."""

    line: ClassVar[None] = None
    verdict: Verdict
    counts: dict[str, int]
    remaining: tuple[str, ...]
    destroyed_all: bool
    written: tuple[str, ...]


class ConfirmationAwaited(Struct, frozen=True):
    """The apply is rolled back unless it is confirmed."""

    line: EventDoc
    confirmation: Confirmation


class ApplyEnded(Struct, frozen=True):
    """The last event. `exit_code` is the exit code of `reconciler apply`."""

    line: EventDoc
    exit_code: int
    declined: bool = False


ApplyEvent: TypeAlias = (
    Began
    | AdoptionFound
    | FileReported
    | AdoptionConcluded
    | PlanMade
    | ManifestEdited
    | ManifestRestored
    | InfoMessage
    | Diagnosed
    | WalkBegan
    | ActionReported
    | WalkEnded
    | Concluded
    | ConfirmationAwaited
    | ApplyEnded
)


class Question(Struct, frozen=True):
    """Ask whether the plan that was just shown may be carried out.

    `approved` are the classes of action that were approved beforehand, `others` the actions outside these classes.
    """

    approved: tuple[str, ...] = ()
    others: tuple[Action, ...] = ()


@dataclass(slots=True)
class Numbering:
    """Numbers and dates the lines of one apply."""

    now: Callable[[], datetime]
    sequence: int = 0

    def line(self, **body: object) -> EventDoc:
        """The next line with this content."""
        head = {"sequence": self.sequence, "timestamp": self.timestamp()}
        self.sequence += 1
        return cast(EventDoc, {**body, **head})

    def timestamp(self) -> str:
        """Now, in UTC, with milliseconds."""
        return to_millisecond(self.now())
