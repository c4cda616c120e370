"""Manifests, registry and a look at the world become a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.agents.catalogue import catalogue
from reconciler.app.plan.request import Goal, Request
from reconciler.app.project.manifests import (
    as_recorded,
    loaded_from,
    manifest_sources,
    nothing_declared,
    registry_alone,
    shown,
)
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import copied, unconfirmed
from reconciler.kinds.agent.case import Wish
from reconciler.manifest import Loaded, Source
from reconciler.model.action import Action
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Agent, Desired, RunState
from reconciler.model.errors import UsageError
from reconciler.model.moment import to_second
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.record import Record, Status
from reconciler.model.snapshot import Snapshot
from reconciler.observe import Question, observe, recorded_as_live
from reconciler.plan.diff import Sources, diff
from reconciler.plan.scope import EVERYTHING, Scope, narrowed_to, without
from reconciler.ports.world import World
from reconciler.state.registry import Stored, read

if TYPE_CHECKING:
    from reconciler.model.observed import Observed


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with everything it was made from; `sources` are the manifests by their absolute paths."""

    plan: Plan
    request: Request
    sources: Mapping[str, Source]
    loaded: Loaded
    stored: Stored
    snapshot: Snapshot
    wish: Wish
    world: World


def make_plan(at: Project, request: Request, lineage: str = "") -> Planned:
    """Look at everything once and compare. Nothing is opened for writing."""
    sources, stored = _sources(at, request), read(at.registry)
    loaded = loaded_from(at, list(sources.values())) if sources else Loaded(_alone(at, request, stored), ())
    desired = _as_requested(loaded.desired, request)
    profiles = catalogue(desired.agent_types.values())
    world = at.world(desired.socket, returning=request.goes_back)
    wish = _wish(at, request, stored.record, lineage)
    everyone = request.closely or request.purge or request.mode is Mode.REFRESH_ONLY
    question = Question(desired, stored.record, profiles, wish, everyone)
    snapshot = observe(question, world, at.caller)
    if not request.refresh:
        snapshot = recorded_as_live(stored.record, snapshot)
    scope = scope_of(request, desired, stored.record)
    plan = diff(Sources(desired, stored.record, snapshot, profiles), wish, scope, request.mode)
    said = (*copied(at, stored), *plan.diagnostics, *(() if request.goes_back else unconfirmed(at)))
    plan = replace(plan, diagnostics=said, registry=shown(at.registry_path))
    return Planned(plan, request, sources, loaded, stored, snapshot, wish, world)


def _sources(at: Project, request: Request) -> Mapping[str, Source]:
    """The manifests; none where there is nothing but a registry, and it says all that has to be known."""
    looks = request.mode is Mode.REFRESH_ONLY and not request.paths
    if (looks or _only_rests(request)) and registry_alone(at):
        return {}
    # What is deleted is judged by the manifests that still declare it.
    return manifest_sources(at, request.paths, () if request.deletes else request.edits)


def _only_rests(request: Request) -> bool:
    return bool(request.states) and RunState.RUNNING not in request.states.values()


def _alone(at: Project, request: Request, stored: Stored) -> Desired:
    """What is held against the registry in a project that has nothing else."""
    return as_recorded(at, stored.record) if _only_rests(request) else nothing_declared(at, stored.record)


def proved(at: Project, planned: Planned, stored: Stored, action: Action) -> Observed[Drift]:
    """Which conversation an agent began that this plan has started, as `observe.proof` tells it."""
    from reconciler.observe.proof import proof

    desired = _as_requested(planned.loaded.desired, planned.request)
    question = Question(desired, stored.record, catalogue(desired.agent_types.values()), planned.wish)
    return proof(action, question, planned.snapshot, planned.world, at.caller)


def _as_requested(desired: Desired, request: Request) -> Desired:
    """The manifests, but for what a command says of some agents."""
    if request.goal is not None:
        return _as_it_was(desired, request.goal)
    if not request.states:
        return desired
    agents = dict(desired.agents)
    for address in request.states.keys() & agents.keys():
        spec = agents[address]
        resume = request.conversations.get(address, spec.resume)
        agents[address] = replace(spec, state=request.states[address], resume=resume)
    return replace(desired, agents=agents)


def _as_it_was(desired: Desired, goal: Goal) -> Desired:
    """The manifests, but that only those agents run that ran then."""
    agents = {address: replace(spec, state=_state(spec, goal)) for address, spec in desired.agents.items()}
    return replace(desired, agents=agents)


def _state(spec: Agent, goal: Goal) -> RunState:
    then = goal.agents.get(spec.address)
    if then is None:
        return RunState.STOPPED if spec.state is RunState.RUNNING else spec.state
    if then.status in {Status.STOPPED, Status.ARCHIVED}:
        return RunState(then.status)
    return RunState.STOPPED if then.by_hand else RunState.RUNNING


def _wish(at: Project, request: Request, record: Record, lineage: str) -> Wish:
    return Wish(
        lineage=record.lineage or lineage,
        now=to_second(at.now()),
        force=request.force,
        destroy=request.mode is Mode.DESTROY,
        replace=frozenset(request.replace),
        imports=request.imports,
        reason=request.reason,
        rested=_rested(request),
        woken=_woken(request),
        goal=request.goal.conversations if request.goal else {},
        deletes=request.deletes,
        purge=request.purge,
    )


def _rested(request: Request) -> frozenset[Address]:
    by_hand = {address for address, state in request.states.items() if state is not RunState.RUNNING}
    return request.goal.rested if request.goal else frozenset(by_hand)


def _woken(request: Request) -> frozenset[Address]:
    by_hand = {address for address, state in request.states.items() if state is RunState.RUNNING}
    return request.woken | (request.goal.agents.keys() if request.goal else by_hand)


def scope_of(request: Request, desired: Desired, record: Record) -> Scope:
    """The addresses that the plan is about; UsageError for one that exists nowhere."""
    if request.targets and request.exclude:
        raise UsageError("--target and --exclude exclude each other")
    recorded = {row.address for row in record.sessions.values()} | {row.address for row in record.brokers.values()}
    known = {*desired.workspaces, *desired.agents, *desired.brokers, *recorded}
    _expect_known(request, known)
    if request.by_hand:
        starting = (address for address, state in request.states.items() if state is RunState.RUNNING)
        return Scope(request.by_hand, needed=frozenset(workspace_address(each.workspace) for each in starting))
    if request.targets:
        return narrowed_to(request.targets, desired.agents)
    if request.exclude:
        return without(request.exclude, desired.agents)
    return EVERYTHING


def _expect_known(request: Request, known: set[Address]) -> None:
    for address in (*request.targets, *request.exclude, *request.replace, *request.by_hand):
        if address not in known and address.kind != "workspace":
            raise UsageError(f"there is no {address}", fix=_nearest_address(address, known))
    for address in request.replace:
        if address.kind == "broker":
            raise UsageError(f"{address} is no agent", fix="reconciler broker stop, then reconciler apply")


def _nearest_address(address: Address, known: set[Address]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(str(address), [str(each) for each in known], n=1)
    return f"did you mean {close[0]}?" if close else "`reconciler status` lists all addresses with --json"
