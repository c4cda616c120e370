"""The one place where the concrete parts meet: manifests, registry and a look at the world become a plan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.agents.catalogue import catalogue
from reconciler.kinds.agent.case import Case, Wish, cases, with_strangers
from reconciler.manifest import Loaded, Source
from reconciler.model.action import Action
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Agent, Desired, RunState
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import ABSENT, Unknown
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.record import Record, Status
from reconciler.model.snapshot import Pane, Snapshot, tmux_trouble
from reconciler.observe import Question, observe, recorded_as_live
from reconciler.plan.diff import Sources, diff
from reconciler.plan.scope import EVERYTHING, Scope, narrowed_to, without
from reconciler.ports.world import World
from reconciler.state.registry import Stored, placement, read
from reconciler.state.standing import Standing

from .manifests import (
    as_recorded,
    is_own_output,
    load_manifests,
    loaded_from,
    manifest_paths,
    manifest_sources,
    nothing_declared,
    shown,
)
from .project import TIME_FORMAT, Project
from .request import Goal, Request

if TYPE_CHECKING:
    from reconciler.model.observed import Observed
    from reconciler.model.stored import StoredConversation


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


def registry_alone(at: Project) -> bool:
    """Whether the project has a registry, and no manifest of its own."""
    return not manifest_paths(at, ()) and os.path.lexists(at.registry_path)


def _only_rests(request: Request) -> bool:
    return bool(request.states) and RunState.RUNNING not in request.states.values()


def _alone(at: Project, request: Request, stored: Stored) -> Desired:
    """What is held against the registry in a project that has nothing else."""
    return as_recorded(at, stored.record) if _only_rests(request) else nothing_declared(at, stored.record)


def copied(at: Project, stored: Stored) -> tuple[Diagnostic, ...]:
    """What has to be said of everything that is seen in a copy of a project: it is not this folder's."""
    place = placement(at.registry, stored.record)
    if place is None or place.standing is not Standing.COPY:
        return ()
    error = place.refusal
    return (Diagnostic(Severity.WARNING, error.summary, error.detail, error.fix),)


def unconfirmed(at: Project) -> tuple[Diagnostic, ...]:
    """What has to be said of an apply that waits for its confirmation."""
    if not os.path.lexists(os.path.join(at.state, "confirm.json")):
        return ()
    from reconciler.state.confirmation import told  # seldom needed, and start-up is felt

    return told(at.waiting)


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
        now=at.now().strftime(TIME_FORMAT),
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


def stored_conversations(at: Project, workspace: str) -> list[StoredConversation | Unknown]:
    """The conversations of all workspaces, or of the one that is named; UsageError when there is none such."""
    from reconciler.observe.conversations import conversations

    record = read(at.registry).record
    desired = as_recorded(at, record) if registry_alone(at) else load_manifests(at, ()).desired
    names = list(dict.fromkeys(each.workspace for each in (*desired.workspaces, *desired.agents)))
    if workspace and workspace not in names:
        raise UsageError(f"there is no workspace {workspace}", fix=f"there are: {', '.join(names) or 'none'}")
    agents = {address: spec for address, spec in desired.agents.items() if workspace in ("", address.workspace)}
    question = Question(replace(desired, agents=agents), record, catalogue(desired.agent_types.values()), Wish())
    return list(conversations(question, Snapshot(), at.files, at.caller))


@dataclass(frozen=True, slots=True)
class Seen:
    """What status, show and unmanaged are made from."""

    desired: Desired
    stored: Stored
    snapshot: Snapshot
    cases: Mapping[Address, Case]
    has_manifest: bool = True

    def pane(self, address: Address) -> Observed[Pane]:
        """The live pane of an agent, also where an older tool started it, or it was only found."""
        types = catalogue(self.desired.agent_types.values())
        everyone = with_strangers(self.cases, self.stored.record, self.snapshot, types)
        return everyone[address].pane if address in everyone else ABSENT


def look(at: Project, *, everyone: bool = True, but_output: bool = False) -> Seen:
    """Look at all agents; a project without manifests has a registry at least.

    With `but_output`, the empty file that this command prints into is not taken for a manifest.
    """
    paths = [path for path in manifest_paths(at, ()) if not (but_output and is_own_output(path))]
    stored = read(at.registry)
    desired = load_manifests(at, paths).desired if paths else nothing_declared(at, stored.record)
    profiles = catalogue(desired.agent_types.values())
    wish = _wish(at, Request(), stored.record, "")
    # a survey of brokers is slow, and these commands tell nothing of them
    wanted, recorded = replace(desired, brokers={}), replace(stored.record, brokers={})
    question = Question(wanted, recorded, profiles, wish, everyone=everyone)
    snapshot = observe(question, at.world(desired.socket), at.caller)
    return Seen(desired, stored, snapshot, cases(desired, stored.record, snapshot, profiles, wish), bool(paths))


def unseen(tmux: Unknown) -> ReconcilerError:
    """Why no agent can be told of, as an error."""
    trouble = tmux_trouble(tmux)
    return ReconcilerError(trouble.summary, detail=trouble.detail, fix=trouble.fix)


def declared_types(at: Project) -> frozenset[str]:
    """The agent types that the project's own manifests describe."""
    paths = [path for path in manifest_paths(at, ()) if not is_own_output(path)]
    return frozenset(load_manifests(at, paths).desired.agent_types) if paths else frozenset()


def unmanaged_sessions(at: Project) -> list[dict[str, object]]:
    """The unmanaged sessions, as published; ReconcilerError when tmux cannot be asked."""
    from dataclasses import asdict

    from reconciler.kinds.agent.strangers import unmanaged as find

    seen = look(at, everyone=False, but_output=True)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    types = catalogue(seen.desired.agent_types.values())
    return [asdict(each) for each in find(seen.desired, seen.stored.record, seen.snapshot.tmux, types)]
