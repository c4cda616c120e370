"""What a plan shall be about, and what that makes of the manifests, the options and the scope."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.kinds.agent.case import PlanOptions
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Agent, Desired, RunState
from reconciler.model.errors import UsageError
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.plan import Mode
from reconciler.model.record import Record, Status

from .scope import EVERYTHING, Scope, narrowed_to, without

if TYPE_CHECKING:
    from reconciler.model.generation import AgentThen


class Goal(Struct, frozen=True):
    """An earlier generation to go back to, and its agents as it left them: those that are missing did not run."""

    generation: int
    agents: Mapping[Address, AgentThen]

    @property
    def conversations(self) -> dict[Address, str]:
        """What each agent goes back to, as far as that was known."""
        return {address: then.conversation for address, then in self.agents.items() if then.conversation}

    @property
    def stopped_by_hand(self) -> frozenset[Address]:
        """The agents that a user had put to rest by hand."""
        return frozenset(address for address, then in self.agents.items() if then.by_hand)


class Request(Struct, frozen=True):
    """What a plan shall be about, as the user said it.

    `states` and `conversations` stand in for what the manifest says of an agent, this one time; `goal` does so for
    all of them. `edits` are written before the work begins. `resumed_by_hand` may start although they
    were put to rest by hand; `deletes` are ended and forgotten, with `purge` together with their conversations. `operation` and `reason`
    are for the lock and the history; `automatic` says that nobody asked for it at this moment. With `closely`,
    agents are looked at although nothing is to be done about them.
    """

    paths: tuple[str, ...] = ()
    targets: tuple[Address, ...] = ()
    exclude: tuple[Address, ...] = ()
    replace: tuple[Address, ...] = ()
    mode: Mode = Mode.NORMAL
    refresh: bool = True
    closely: bool = False
    force: bool = False
    imports: Mapping[Address, str] = field(default_factory=dict)
    states: Mapping[Address, RunState] = field(default_factory=dict)
    conversations: Mapping[Address, str] = field(default_factory=dict)
    goal: Goal | None = None
    operation: str = "apply"
    reason: str = ""
    automatic: bool = False
    edits: tuple[Edit | Restore, ...] = ()
    resumed_by_hand: frozenset[Address] = frozenset()
    deletes: frozenset[Address] = frozenset()
    purge: bool = False

    @property
    def follows_manifests(self) -> bool:
        """Whether it makes the world as manifests say, and not as a command says of some agents."""
        return not self.states and not self.imports and self.mode is not Mode.REFRESH_ONLY

    @property
    def only_rests(self) -> bool:
        """Whether it puts agents to rest, and starts none."""
        return bool(self.states) and RunState.RUNNING not in self.states.values()

    @property
    def goes_back(self) -> bool:
        """Whether an earlier generation is wanted again."""
        return self.operation == "rollback"

    @property
    def by_hand(self) -> frozenset[Address]:
        """The agents that a command is about, whatever the manifests say of the others."""
        return frozenset((*self.imports, *self.states, *self.deletes))


def as_requested(desired: Desired, request: Request) -> Desired:
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


def plan_options_of(request: Request, lineage: str, now: str) -> PlanOptions:
    """What the request asks for beyond the manifests; `now` is UTC, ISO 8601 with a Z."""
    return PlanOptions(
        lineage=lineage,
        now=now,
        force=request.force,
        destroy=request.mode is Mode.DESTROY,
        replace=frozenset(request.replace),
        imports=request.imports,
        reason=request.reason,
        stopped_by_hand=_stopped_by_hand(request),
        resumed_by_hand=_resumed_by_hand(request),
        goal=request.goal.conversations if request.goal else {},
        deletes=request.deletes,
        purge=request.purge,
    )


def _stopped_by_hand(request: Request) -> frozenset[Address]:
    by_hand = {address for address, state in request.states.items() if state is not RunState.RUNNING}
    return request.goal.stopped_by_hand if request.goal else frozenset(by_hand)


def _resumed_by_hand(request: Request) -> frozenset[Address]:
    by_hand = {address for address, state in request.states.items() if state is RunState.RUNNING}
    return request.resumed_by_hand | (request.goal.agents.keys() if request.goal else by_hand)


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
    close = get_close_matches(str(address), [str(each) for each in known], n=1)
    return f"did you mean {close[0]}?" if close else "`reconciler status` lists all addresses with --json"
