"""A plan that was made under the lock, and how to carry it out."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.app.plan import generations
from reconciler.app.plan.events import Numbering
from reconciler.app.plan.make import Planned
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import Project
from reconciler.model.action import Verb
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.plan import Plan
from reconciler.render.documents.plan import PlanDoc


class Prepared(Struct, frozen=True):
    """One plan that was made under the lock, and how to carry it out. `who` holds the lock."""

    at: Project
    planned: Planned
    document: PlanDoc
    options: ApplyOptions
    numbering: Numbering
    who: str

    @property
    def plan(self) -> Plan:
        """The plan alone."""
        return self.planned.plan

    @property
    def edits(self) -> Sequence[Edit | Restore]:
        """The edits of manifests that the request asks for."""
        return self.planned.request.edits

    @property
    def is_a_generation(self) -> bool:
        """Whether the history stores it: it changes something, or the manifests differ from the last generation's."""
        if not self.planned.request.follows_manifests:
            return False
        return self.changes_something or generations.follows_others(self.at, self.planned)

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to approve; deferred actions change nothing."""
        return bool(self.edits) or any(action.verb is not Verb.DEFER for action in self.plan.pending)
