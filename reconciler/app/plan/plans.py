"""Publish plans."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reconciler.app.plan.make import Planned
from reconciler.app.project.identity import whose
from reconciler.app.project.manifests import in_project
from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.plan import Plan
from reconciler.plan.request import Request
from reconciler.render.document import content_digest, plan_document

if TYPE_CHECKING:
    from reconciler.render.documents.plan import OptionsDoc, PlanDoc


def document_of(at: Project, planned: Planned) -> PlanDoc:
    """The published document of a plan."""
    return published(at, planned.plan, planned.request, planned.stored.record.lineage)


def failed_document(at: Project, request: Request, error: ReconcilerError) -> PlanDoc:
    """The document of a plan that could not be made."""
    return published(at, Plan(request.mode, "", 0, "", diagnostics=error.diagnostics), request, "")


def published(at: Project, plan: Plan, request: Request, lineage: str) -> PlanDoc:
    """The document of a plan for the registry with this lineage."""
    made = plan_document(plan, options_of(request), whose(at, lineage))
    document = in_project(at, made)
    if document is not made:
        document["digest"] = content_digest(document)
    return document


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
    return {
        "mode": request.mode.value,
        "manifests": list(request.paths),
        "targets": [str(address) for address in request.targets],
        "exclude": [str(address) for address in request.exclude],
        "replace": [str(address) for address in request.replace],
        "force": request.force,
    }
