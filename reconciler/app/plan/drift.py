"""Look, and compare the registry with the live world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.plan.make import make_plan
from reconciler.app.project.identity import whose
from reconciler.app.project.manifests import display_path, in_project, load_manifests
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import older_shapes
from reconciler.kinds.agent.case import PlanOptions
from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import to_second
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Record
from reconciler.model.snapshot import Snapshot
from reconciler.observe import recorded_as_live
from reconciler.plan.diff import diff
from reconciler.plan.drift import of_classes, strict
from reconciler.plan.offline import offline, unseen
from reconciler.plan.request import Request
from reconciler.plan.scope import EVERYTHING
from reconciler.plan.sources import Sources
from reconciler.render.drift import drift_document
from reconciler.state.registry import read

if TYPE_CHECKING:
    from reconciler.render.documents.drift import DriftsDoc

CLASSES = frozenset("ABCDEFGHIJKL")


class DriftOptions(Struct, frozen=True):
    """The drift classes to report, whether to include pending changes, and `offline` to look at files only."""

    letters: frozenset[str] = CLASSES
    intent: bool = False
    offline: bool = False


STANDARD = DriftOptions()


def drift(at: Project, options: DriftOptions = STANDARD) -> DriftsDoc:
    """Return the differences between the registry and the live world. Nothing is written.

    Raises:
        ReconcilerError: Manifests or registry cannot be read.
    """
    return in_project(at, _offline(at, options) if options.offline else _live(at, options))


def failed_document(at: Project, error: ReconcilerError) -> DriftsDoc:
    """The document of a check that could not be made."""
    plan = Plan(Mode.REFRESH_ONLY, "", 0, "", diagnostics=error.diagnostics)
    return in_project(at, drift_document(plan, whose=whose(at, "")))


def _live(at: Project, options: DriftOptions) -> DriftsDoc:
    """Compare with one look at the live world; the pending changes come from the same look."""
    seen = make_plan(at, Request(mode=Mode.REFRESH_ONLY))
    desired = seen.loaded.desired
    sources = Sources(desired, seen.stored.record, seen.snapshot, catalogue(desired.agent_types.values()))
    found = of_classes(options.letters, strict(seen.plan, sources, seen.options))
    intent = replace(diff(sources, seen.options, EVERYTHING), registry=found.registry) if options.intent else None
    return drift_document(found, intent, whose=whose(at, seen.stored.record.lineage))


def _offline(at: Project, options: DriftOptions) -> DriftsDoc:
    """Compare with files only: manifests, registry and the broker's files; no tmux, no processes."""
    from reconciler.broker.offline import survey

    desired = load_manifests(at, ()).desired
    stored = read(at.registry)
    record = stored.record
    if record == Record():
        fix = "commit the registry, or run `reconciler drift` on the machine with the agents"
        raise ReconcilerError(f"there is no registry at {display_path(at.registry_path)}", fix=fix)
    brokers = {address: survey(spec) for address, spec in desired.brokers.items()}
    seen = recorded_as_live(record, Snapshot(brokers=brokers))
    sources = offline(Sources(desired, record, seen, catalogue(desired.agent_types.values())))
    plan_options = PlanOptions(lineage=record.lineage, now=to_second(at.now()))
    plan = replace(diff(sources, plan_options, EVERYTHING), registry=display_path(at.registry_path))
    plan = replace(plan, diagnostics=(*older_shapes(at, stored), *plan.diagnostics))
    return drift_document(
        of_classes(options.letters, plan), plan, tuple(unseen(desired, seen)), whose(at, record.lineage)
    )
