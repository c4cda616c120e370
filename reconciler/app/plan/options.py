"""How an apply is approved, and how far it may go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct, field

from reconciler.app.plan.events import Question
from reconciler.app.project.project import Project
from reconciler.apply import ApplyTimeouts
from reconciler.model.action import Verb
from reconciler.model.errors import Refused
from reconciler.plan.request import Request


def nobody(_question: Question) -> bool:
    """Refuse: there is nobody who could be asked."""
    raise Refused("nobody has approved of the plan", fix="look at it, and approve of it beforehand")


def never() -> bool:
    """Nobody interrupts."""
    return False


class ApplyOptions(Struct, frozen=True):
    """How an apply is approved, and how far it may go.

    `approved` are the classes of action that need no question, `approve` answers one. `digest` is that of the saved
    plan that was looked at. The apply is taken back after `confirm_within` seconds without a confirmation; 0 for
    never. It stops early, and well, once `interrupted` says so. `terminal` is where the user sits, for the history.
    """

    auto_approve: bool = False
    max_destroy: int | None = None
    parallelism: int = 0
    lock_timeout: float = 0
    patience: ApplyTimeouts = field(default_factory=ApplyTimeouts)
    approved: frozenset[Verb] = frozenset()
    digest: str = ""
    confirm_within: float = 0
    terminal: str = ""
    approve: Callable[[Question], bool] = nobody
    interrupted: Callable[[], bool] = never


CarryOut: TypeAlias = Callable[[Project, Request, ApplyOptions], int]  # do it, show it, and give the exit code
