"""Keep what was applied with a time limit for its confirmation."""

from __future__ import annotations

from reconciler.app.plan import confirmations
from reconciler.app.project.project import Project
from reconciler.state import confirmation as state


def confirm(at: Project) -> int | None:
    """Confirm the generation that waits for it, and return its number; None when none waits.

    Raises:
        Refused: Its time is up, or it was taken back already.
    """
    found = state.answer(at.waiting)
    if found is None:
        confirmations.refuse_too_late(at)
        return None
    if found.expired:
        raise confirmations.too_late(at, found)
    state.forget(at.waiting)
    return found.generation
