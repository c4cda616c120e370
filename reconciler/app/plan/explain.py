"""Explain why one address will change, or why it will not."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.app.plan.make import make_plan
from reconciler.app.plan.plans import document_of
from reconciler.app.project.manifests import display_path, from_here, in_project, registry_alone
from reconciler.app.project.project import Project
from reconciler.model.diagnostic import Place
from reconciler.model.plan import Mode
from reconciler.model.record import Section
from reconciler.model.short_names import everything_named, the_one
from reconciler.plan.request import Request
from reconciler.render.documents.explanation import ExplanationDoc
from reconciler.render.explain import explanation_document
from reconciler.render.subject import PlanView, subject
from reconciler.state.registry import StoredRegistry
from reconciler.state.spans import layout


def explanation(at: Project, name: str) -> ExplanationDoc:
    """What leads to the plan for the one that `name` stands for; UsageError when there is none, or several."""
    mode = Mode.REFRESH_ONLY if registry_alone(at) else Mode.NORMAL
    planned = make_plan(at, Request(closely=True, mode=mode))
    desired, record = planned.loaded.desired, planned.stored.record
    row_places = _row_places(at, planned.stored)
    view = PlanView(planned.plan, desired, record, planned.snapshot, planned.options, row_places)
    address = the_one(name, everything_named(desired, record), "").address
    return in_project(at, explanation_document(from_here(at, document_of(at, planned)), subject(view, address)))


def _row_places(at: Project, stored: StoredRegistry) -> Callable[[Section, str], Place]:
    """A function that returns the place of a row in the registry: its line, if known."""
    file, text = display_path(at.registry_path), stored.text.decode().replace("\r\n", "\n")
    found = layout(text)

    def place(section: Section, name: str) -> Place:
        table = found.tables.get(section.value) if found else None
        span = table.rows.get(name) if table else None
        return Place(file, text.count("\n", 0, span[0]) + 1 if span else 0)

    return place
