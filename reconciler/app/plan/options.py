"""How an apply is approved, and what limits it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from reconciler.app.plan.events import Question
from reconciler.apply import ApplyTimeouts
from reconciler.model.action import Verb
from reconciler.model.errors import Refused


def refuse(_question: Question) -> bool:
    """Refuse, because no terminal is there to ask the user."""
    raise Refused("the plan is not approved", fix="look at the plan, then approve it with `approved` or `approve`")


def never() -> bool:
    """Never interrupt."""
    return False


class ApplyOptions(Struct, frozen=True):
    """How an apply is approved, and what limits it.

    `approved` are the classes of action that need no confirmation; `approve` is called to confirm others. `digest` is
    the digest of the one saved plan that is accepted, `expect` that of the one plan that may be made now. The apply
    is rolled back after `confirm_within` seconds without a confirmation; 0 means never. It stops cleanly once
    `interrupted` returns true. `terminal` goes into the history.
    """

    auto_approve: bool = False
    max_destroy: int | None = None
    parallelism: int = 0
    lock_timeout: float = 0
    patience: ApplyTimeouts = field(default_factory=ApplyTimeouts)
    approved: frozenset[Verb] = frozenset()
    digest: str = ""
    expect: str = ""
    confirm_within: float = 0
    terminal: str = ""
    approve: Callable[[Question], bool] = refuse
    interrupted: Callable[[], bool] = never


# carries out the request, shows it, and returns the exit code
