"""Make a plan from manifests, registry and a look at the live world."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.project.manifests import (
    as_recorded,
    display_path,
    loaded_from,
    manifest_sources,
    nothing_declared,
    registry_alone,
)
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry, unconfirmed, with_others
from reconciler.kinds.agent.case import PlanOptions
from reconciler.manifest import Loaded, Source, active_profiles
from reconciler.model.action import Action
from reconciler.model.desired import Desired
from reconciler.model.moment import to_second
from reconciler.model.observed import Observed
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.short_names import everything_named
from reconciler.model.snapshot import Snapshot
from reconciler.observe import SnapshotRequest, observe_cases, recorded_as_live
from reconciler.plan.diff import compare
from reconciler.plan.request import (
    Request,
    ShortWords,
    as_meant,
    as_requested,
    plan_options_of,
    scope_of,
    with_names_resolved,
)
from reconciler.plan.sources import Sources
from reconciler.ports.world import World
from reconciler.state.registry import StoredRegistry, read


class Planned(Struct, frozen=True):
    """A plan with everything it was made from; `sources` are the manifests by absolute path."""

    plan: Plan
    request: Request
    sources: Mapping[str, Source]
    loaded: Loaded
    stored: StoredRegistry
    snapshot: Snapshot
    options: PlanOptions
    world: World


def make_plan(at: Project, request: Request, lineage: str = "", stored: StoredRegistry | None = None) -> Planned:
    """Look at everything once and compare. `stored` replaces the registry on disk. Writes nothing."""
    if request.profiles is None:
        request = replace(request, profiles=tuple(sorted(active_profiles(at.env))))
    sources, stored = _sources(at, request), stored or read(at.registry)
    loaded = (
        loaded_from(at, list(sources.values()), request.profiles)
        if sources
        else Loaded(_alone(at, request, stored), ())
    )
    if request.short != ShortWords():
        request = with_names_resolved(request, everything_named(loaded.desired, stored.record))
    request = as_meant(request, loaded.desired, stored.record)
    desired = as_requested(loaded.desired, request)
    profiles = catalogue(desired.agent_types.values())
    world = at.world(desired.socket, returning=request.goes_back)
    options = plan_options_of(request, stored.record.lineage or lineage, to_second(at.now()))
    everyone = request.closely or request.purge or request.mode is Mode.REFRESH_ONLY
    question = SnapshotRequest(desired, stored.record, profiles, options, everyone)
    snapshot, agents = observe_cases(question, world, at.caller)
    if not request.refresh:
        snapshot = recorded_as_live(stored.record, snapshot)
    compared = Sources(desired, stored.record, snapshot, profiles)
    agents = agents if request.refresh else compared.cases(options)
    plan = compare(agents, compared, options, scope_of(request, desired, stored.record), request.mode)
    others = (*plan.diagnostics, *(() if request.goes_back else unconfirmed(at)))
    said = with_others(about_registry(at, stored), others)
    plan = replace(plan, diagnostics=said, registry=display_path(at.registry_path))
    return Planned(plan, request, sources, loaded, stored, snapshot, options, world)


def _sources(at: Project, request: Request) -> Mapping[str, Source]:
    """The manifests; none if the project has only a registry and the request needs no more."""
    looks = request.mode is Mode.REFRESH_ONLY and not request.paths
    if (looks or request.only_rests) and registry_alone(at):
        return {}
    # A delete is judged by the manifests that still declare the agent.
    return manifest_sources(at, request.paths, () if request.deletes else request.edits)


def _alone(at: Project, request: Request, stored: StoredRegistry) -> Desired:
    """The desired state for a project that has only a registry."""
    return as_recorded(at, stored.record) if request.only_rests else nothing_declared(at, stored.record)


def prove_conversation(at: Project, planned: Planned, stored: StoredRegistry, action: Action) -> Observed[Drift]:
    """The conversation of an agent that this plan started, found by `observe.proof`."""
    from reconciler.observe.proof import proof

    desired = as_requested(planned.loaded.desired, planned.request)
    question = SnapshotRequest(desired, stored.record, catalogue(desired.agent_types.values()), planned.options)
    return proof(action, question, planned.snapshot, planned.world, at.caller)
