"""What the user asks a plan for, and what follows for the manifests, the options and the scope."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.kinds.agent.case import PlanOptions
from reconciler.model.address import Address, instance_name, workspace_address
from reconciler.model.desired import Agent, Desired, RunState
from reconciler.model.errors import UsageError
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.plan import Mode
from reconciler.model.record import Record, Status
from reconciler.model.short_names import NamedResource, all_of, nearest, the_one

from .scope import EVERYTHING, Scope, narrowed_to, without

if TYPE_CHECKING:
    from reconciler.model.generation import AgentThen

_OFFERED = 6  # addresses in one message
_RESTARTED = {
    "broker": "to restart it: reconciler broker stop, then reconciler apply",
    "workspace": "name each agent in it: --replace agent.WORKSPACE.NAME",
}


class Goal(Struct, frozen=True):
    """An earlier generation to go back to, and its agents as it left them. An agent that is not in it did not run."""

    generation: int
    agents: Mapping[Address, AgentThen]

    @property
    def conversations(self) -> dict[Address, str]:
        """The conversation that each agent goes back to, if it is known."""
        return {address: then.conversation for address, then in self.agents.items() if then.conversation}

    @property
    def stopped_by_hand(self) -> frozenset[Address]:
        """The agents that a user had stopped or archived with a command."""
        return frozenset(address for address, then in self.agents.items() if then.by_hand)


class ShortWords(Struct, frozen=True):
    """Short names in the options of a request. What they stand for is known when the manifests have been read."""

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)


class Request(Struct, frozen=True):
    """What the user asks a plan for."""

    paths: tuple[str, ...] = ()
    targets: tuple[Address, ...] = ()
    """Plan for these addresses and what they need; empty for all."""
    exclude: tuple[Address, ...] = ()
    """Plan for everything except these addresses and what needs them."""
    replace: tuple[Address, ...] = ()
    """The agents to restart although nothing about them has changed."""
    mode: Mode = Mode.NORMAL
    refresh: bool = True
    """False to trust the registry instead of looking at tmux."""
    closely: bool = False
    """Whether settled agents are looked at, too."""
    force: bool = False
    imports: Mapping[Address, str] = field(default_factory=dict)
    """The session to import, by the agent that it becomes."""
    short: ShortWords = ShortWords()
    """What names more targets, excluded addresses, agents to restart and imports; `make_plan` resolves it."""
    states: Mapping[Address, RunState] = field(default_factory=dict)
    """The state of some agents, in place of the one in the manifest, for this plan only."""
    conversations: Mapping[Address, str] = field(default_factory=dict)
    """The same for the `resume` of some agents."""
    goal: Goal | None = None
    """The generation to go back to: it decides the state of every agent."""
    operation: str = "apply"
    """The name of the command, for the lock and the history."""
    reason: str = ""
    """Why, in the words of the user; for the history and the rows of stopped agents."""
    automatic: bool = False
    """True when no user asked for it: an automatic rollback."""
    edits: tuple[Edit | Restore, ...] = ()
    """Changes to manifest files; they are written before the work begins."""
    resumed_by_hand: frozenset[Address] = frozenset()
    """The agents that may start although a command stopped or archived them earlier."""
    deletes: frozenset[Address] = frozenset()
    """The agents to end and to forget."""
    purge: bool = False
    """Whether the conversations of the deleted agents are deleted, too."""
    profiles: tuple[str, ...] | None = None
    """The active profiles; None for those of the command line and the environment."""

    @property
    def follows_manifests(self) -> bool:
        """True when the manifests decide alone, and no command says otherwise about some agents."""
        return not self.states and not self.imports and self.mode is not Mode.REFRESH_ONLY

    @property
    def only_rests(self) -> bool:
        """True when it stops or archives agents, and starts none."""
        return bool(self.states) and RunState.RUNNING not in self.states.values()

    @property
    def goes_back(self) -> bool:
        """True when it goes back to an earlier generation."""
        return self.operation == "rollback"

    @property
    def by_hand(self) -> frozenset[Address]:
        """The agents that the command names: the plan is about them alone."""
        return frozenset((*self.imports, *self.states, *self.deletes))


def with_names_resolved(request: Request, known: Collection[NamedResource]) -> Request:
    """The request with addresses in place of its short names; `known` are all that is declared or recorded.

    Raises:
        UsageError: A name stands for nothing, or for several: they are listed.
    """
    short = request.short
    agents = [each for each in known if each.address.agent]
    imports = {the_one(name, agents).address: session for name, session in short.imports.items()}
    return replace(
        request,
        short=ShortWords(),
        targets=(*request.targets, *_resolved(short.targets, known)),
        exclude=(*request.exclude, *_resolved(short.exclude, known)),
        replace=(*request.replace, *_resolved(short.replace, agents, "agent")),
        imports={**request.imports, **imports},
    )


def _resolved(names: Iterable[str], known: Collection[NamedResource], what: str = "") -> list[Address]:
    return list(dict.fromkeys(each.address for name in names for each in all_of(name, known, what)))


def as_meant(request: Request, desired: Desired, record: Record) -> Request:
    """The request with the addresses that are meant: that of a block with `for_each` means all its instances."""
    given = (*request.targets, *request.exclude, *request.replace, *request.imports)
    known = _known(desired, record) if given else set()
    if known.issuperset(given):
        return request
    meant = _instances(known)
    targets, exclude, replaced = (
        tuple(each for address in named for each in meant.get(address, [address]))
        for named in (request.targets, request.exclude, request.replace)
    )
    imports = {_only(address, meant): session for address, session in request.imports.items()}
    return replace(request, targets=targets, exclude=exclude, replace=replaced, imports=imports)


def _instances(known: Iterable[Address]) -> dict[Address, list[Address]]:
    """The instances that an address means which is none itself. `agent.W.K.NAME` is read as `agent.W.K[NAME]`."""
    meant: dict[Address, list[Address]] = {}
    for address in sorted(known):
        for block in address.blocks:
            meant.setdefault(block, []).append(address)
        for each in (address, *address.blocks):
            workspace, _, key = each.workspace.rstrip("]").partition("[")
            if key and each.agent and "[" not in each.agent:
                other = Address(each.kind, workspace, instance_name(key, each.agent))
                meant.setdefault(other, []).append(address)
    return {block: found for block, found in meant.items() if block not in known}


def _only(address: Address, meant: Mapping[Address, list[Address]]) -> Address:
    found = meant.get(address, [address])
    if len(found) > 1:
        fix = f"name one: {', '.join(map(str, found[:_OFFERED]))}"
        raise UsageError(f"{address} means {len(found)} agents", fix=fix)
    return found[0]


def as_requested(desired: Desired, request: Request) -> Desired:
    """The manifests, changed by what the command says about some agents."""
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
    """The manifests, with the state of each agent as the earlier generation left it."""
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
    """The options of the request for the comparison; `now` is UTC, ISO 8601 with a Z."""
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
    """The addresses that the plan is about; UsageError for an address that is neither declared nor recorded."""
    if request.targets and request.exclude:
        raise UsageError("--target and --exclude cannot be combined", fix="pass only one of them")
    _expect_known(request, _known(desired, record))
    if request.by_hand:
        starting = (address for address, state in request.states.items() if state is RunState.RUNNING)
        return Scope(request.by_hand, needed=frozenset(workspace_address(each.workspace) for each in starting))
    if request.targets:
        return narrowed_to(request.targets, desired.agents)
    if request.exclude:
        return without(request.exclude, desired.agents)
    return EVERYTHING


def _known(desired: Desired, record: Record) -> set[Address]:
    return {*desired.workspaces, *desired.agents, *desired.brokers, *_recorded(record)}


def _recorded(record: Record) -> set[Address]:
    rows = record.sessions.values()
    named = {*record.workspaces, *(row.workspace for row in rows)}
    brokers = (row.address for row in record.brokers.values())
    return {*map(workspace_address, named), *(row.address for row in rows), *brokers}


def _expect_known(request: Request, known: set[Address]) -> None:
    for address in (*request.targets, *request.exclude, *request.replace, *request.by_hand):
        if address not in known:
            raise UsageError(f"there is no {address}", fix=nearest(str(address), map(str, known)))
    for address in request.replace:
        if address.kind != "agent":
            raise UsageError(f"{address} is not an agent; --replace takes agents", fix=_RESTARTED[address.kind])
    for address in request.imports:
        if address.kind != "agent":
            raise UsageError(
                f"{address} is not an agent; import takes agents",
                fix=f"reconciler import agent.WORKSPACE.NAME {quote(request.imports[address])}",
            )
