"""A plan that was made under the lock, and how it shall be worked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.app.plan import generations
from reconciler.app.plan.events import Numbering, Question
from reconciler.app.plan.make import Planned
from reconciler.app.project.project import Project
from reconciler.apply import Patience
from reconciler.model.action import Verb
from reconciler.model.errors import Refused
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.plan import Plan
from reconciler.plan.request import Request
from reconciler.render.shape import PlanDoc


def nobody(_question: Question) -> bool:
    """Refuse: there is nobody who could be asked."""
    raise Refused("nobody has approved of the plan", fix="look at it, and approve of it beforehand")


def never() -> bool:
    """Nobody interrupts."""
    return False


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How an apply is approved, and how far it may go.

    `approved` are the classes of action that need no question, `approve` answers one. `digest` is that of the saved
    plan that was looked at. The apply is taken back after `confirm_within` seconds without a confirmation; 0 for
    never. It stops early, and well, once `interrupted` says so. `terminal` is where the user sits, for the history.
    """

    auto_approve: bool = False
    max_destroy: int | None = None
    parallelism: int = 0
    lock_timeout: float = 0
    patience: Patience = field(default_factory=Patience)
    approved: frozenset[Verb] = frozenset()
    digest: str = ""
    confirm_within: float = 0
    terminal: str = ""
    approve: Callable[[Question], bool] = nobody
    interrupted: Callable[[], bool] = never


CarryOut: TypeAlias = Callable[[Project, Request, ApplyOptions], int]  # do it, show it, and give the exit code


@dataclass(frozen=True, slots=True)
class Prepared:
    """One plan that was made under the lock, and how it is to be worked on. `who` holds the lock."""

    at: Project
    planned: Planned
    document: PlanDoc
    options: ApplyOptions
    numbering: Numbering
    who: str

    @property
    def plan(self) -> Plan:
        """What would be done."""
        return self.planned.plan

    @property
    def edits(self) -> Sequence[Edit | Restore]:
        """What would be written into manifests."""
        return self.planned.request.edits

    @property
    def is_a_generation(self) -> bool:
        """Whether the history keeps it: it does something for manifests, or they are not those of the last time."""
        if not self.planned.request.follows_manifests:
            return False
        return self.changes_something or generations.follows_others(self.at, self.planned)

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to agree to: what is deferred changes nothing."""
        return bool(self.edits) or any(action.verb is not Verb.DEFER for action in self.plan.pending)
