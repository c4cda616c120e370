"""Confirm an apply that was made with `--confirm-within`."""

from __future__ import annotations

from reconciler.app.plan import confirmations
from reconciler.app.project.project import Project
from reconciler.state import confirmation as state


def confirm(at: Project) -> int | None:
    """Confirm the waiting generation and return its number; None if none is waiting.

    Raises:
        Refused: Its time is over, or it was already rolled back.
    """
    found = state.answer(at.waiting)
    if found is None:
        confirmations.refuse_too_late(at)
        return None
    if found.expired:
        raise confirmations.too_late(at, found)
    state.forget(at.waiting)
    return found.generation
