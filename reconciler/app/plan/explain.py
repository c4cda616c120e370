"""Explain why one address will change, or why it will not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from reconciler.app.plan.make import make_plan
from reconciler.app.plan.plans import document_of
from reconciler.app.project.manifests import display_path, registry_alone
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.diagnostic import Place
from reconciler.model.errors import UsageError
from reconciler.model.plan import Mode
from reconciler.model.record import Section
from reconciler.plan.request import Request
from reconciler.render.documents.explanation import ExplanationDoc
from reconciler.render.explain import explanation_document
from reconciler.render.subject import PlanView, names, subject
from reconciler.state.registry import StoredRegistry
from reconciler.state.spans import layout


def explanation(at: Project, name: str) -> ExplanationDoc:
    """Explain the plan for the address or session `name`. Raises UsageError if it does not exist."""
    mode = Mode.REFRESH_ONLY if registry_alone(at) else Mode.NORMAL
    planned = make_plan(at, Request(closely=True, mode=mode))
    desired, record = planned.loaded.desired, planned.stored.record
    row_places = _row_places(at, planned.stored)
    view = PlanView(planned.plan, desired, record, planned.snapshot, planned.options, row_places)
    address = _meant(name, names(desired, record))
    return explanation_document(document_of(planned), subject(view, address))


def _meant(name: str, known: Mapping[str, Address]) -> Address:
    """The address with this name. Raises UsageError, which suggests similar names."""
    if name in known:
        return known[name]
    within = sorted((each for each in known if name in each), key=lambda each: (not each.startswith(name), each))
    close = within[:3] or get_close_matches(name, known, n=3)
    fix = f"did you mean {' or '.join(close)}?" if close else "`reconciler graph` shows everything that is declared"
    raise UsageError(f"there is no {name}", fix=fix)


def _row_places(at: Project, stored: StoredRegistry) -> Callable[[Section, str], Place]:
    """A function that returns the place of a row in the registry: its line, if known."""
    file, text = display_path(at.registry_path), stored.text.decode().replace("\r\n", "\n")
    found = layout(text)

    def place(section: Section, name: str) -> Place:
        table = found.tables.get(section.value) if found else None
        span = table.rows.get(name) if table else None
        return Place(file, text.count("\n", 0, span[0]) + 1 if span else 0)

    return place
