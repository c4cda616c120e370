"""Look at the project's lock without taking it."""

from __future__ import annotations

from msgspec import to_builtins

from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present, Unknown
from reconciler.state.lock import LockStatus, status


def holder(at: Project) -> LockStatus | None:
    """The holder of the lock; None if it is free. Raises ReconcilerError if it cannot be read."""
    found = status(at.lock)
    if isinstance(found, Unknown):
        raise ReconcilerError("the lock cannot be read", detail=found.reason)
    return found.value if isinstance(found, Present) else None


def lock_document(found: LockStatus | None) -> dict[str, object]:
    """The document of `lock status --json`."""
    lock = {**to_builtins(found.info), "holder": found.holder.value} if found else None
    return {"locked": found is not None, "lock": lock}
