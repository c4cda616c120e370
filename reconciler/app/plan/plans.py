"""Publish plans."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reconciler.app.plan.make import Planned
from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.plan import Plan
from reconciler.plan.request import Request
from reconciler.render.document import plan_document

if TYPE_CHECKING:
    from reconciler.render.documents.plan import OptionsDoc, PlanDoc


def document_of(planned: Planned) -> PlanDoc:
    """The published document of a plan."""
    return plan_document(planned.plan, options_of(planned.request))


def failed_document(request: Request, error: ReconcilerError) -> PlanDoc:
    """The document of a plan that could not be made."""
    return plan_document(Plan(request.mode, "", 0, "", diagnostics=error.diagnostics), options_of(request))


def wait_for_apply(at: Project, timeout: float) -> bool:
    """Wait up to `timeout` seconds until no apply runs, and return whether none does: a plan itself takes no lock."""
    if not os.path.lexists(os.path.join(at.state, "lock")):
        return True
    deadline = at.clock.monotonic() + timeout
    while at.lock.is_held:
        if at.clock.monotonic() >= deadline:
            return False
        at.clock.wait(0.1)
    return True


def options_of(request: Request) -> OptionsDoc:
    """The request as a saved plan stores it."""
    options: OptionsDoc = {
        "mode": request.mode.value,
        "manifests": list(request.paths),
        "targets": [str(address) for address in request.targets],
        "exclude": [str(address) for address in request.exclude],
        "replace": [str(address) for address in request.replace],
        "force": request.force,
    }
    return {**options, "profiles": list(request.profiles)} if request.profiles else options
