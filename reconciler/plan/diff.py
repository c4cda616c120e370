"""The one comparison: wanted against recorded and live gives intent, recorded against live gives drift."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.kinds.agent.case import Case, Facts, PlanOptions, cases, settled, with_unmanaged
from reconciler.kinds.agent.drift import deep_drifts, drifts
from reconciler.kinds.agent.unmanaged import register_unmanaged, unmanaged
from reconciler.kinds.decision import Decision, nothing
from reconciler.kinds.workspace.case import WorkspaceCase
from reconciler.kinds.workspace.case import settled as workspace_settled
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address, parse_address, workspace_address
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.plan import Drift, Mode, Plan, Unmanaged
from reconciler.model.record import BrokerRow, Record, WorkspaceRow
from reconciler.model.snapshot import Occupant, Snapshot, tmux_trouble
from reconciler.model.step import StartSession

from .accept import expiries, judge_drift
from .guard import shared_conversations
from .order import ordered
from .scope import Scope, to_end

if TYPE_CHECKING:
    from reconciler.model.broker import Broker
    from reconciler.model.desired import Git, Workspace
    from reconciler.model.obstacle import Obstacle

Holders: TypeAlias = Mapping[str, frozenset[str]]


class Sources(Struct, frozen=True):
    """The three things that are compared, and the agent types they speak of."""

    desired: Desired
    record: Record
    snapshot: Snapshot
    profiles: Mapping[str, Profile]

    def cases(self, options: PlanOptions) -> dict[Address, Case]:
        """What is known of each agent, from all three."""
        return cases(self.desired, self.record, self.snapshot, self.profiles, options)


def diff(sources: Sources, options: PlanOptions, scope: Scope, mode: Mode = Mode.NORMAL) -> Plan:
    """The plan that makes live and recorded what is desired."""
    return compare(sources.cases(options), sources, options, scope, mode)


def compare(agents: dict[Address, Case], sources: Sources, options: PlanOptions, scope: Scope, mode: Mode) -> Plan:
    """The same for who has the cases already."""
    scope = to_end(scope, sources.desired.agents) if options.destroy else scope
    watched = _watched(agents, sources, mode)
    covered = [case for case in watched.values() if scope.covers(case.address)]
    strangers = unmanaged(sources.desired, sources.record, sources.snapshot.tmux, sources.profiles)
    decisions = [] if mode is Mode.REFRESH_ONLY else _decisions(agents, sources, options, scope)
    found = (*_drift(covered, sources, strangers, options.now, mode), *_broker_drift(sources, options, scope))
    verdict = judge_drift(found, sources.desired.accepts, options.now)
    return Plan(
        mode=mode,
        lineage=sources.record.lineage,
        serial=sources.record.serial,
        manifest_digest=sources.desired.digest,
        actions=_in_order([decision.action for decision in decisions], sources.profiles),
        drift=tuple(each for each in verdict.drift if not each.kind.is_learned),
        learned=tuple(each for each in verdict.drift if each.kind.is_learned),
        accepted=verdict.accepted,
        unused=verdict.unused,
        unmanaged=strangers,
        diagnostics=(
            *_tmux_trouble(sources),
            *sources.snapshot.untold,
            *sources.desired.diagnostics,
            *expiries(verdict.expired),
            *_said(decisions),
            *_shut(decisions, sources),
            *shared_conversations([decision.action for decision in decisions], _held(agents.values())),
        ),
        places=sources.desired.places,
    )


def _in_order(actions: list[Action], profiles: Mapping[str, Profile]) -> tuple[Action, ...]:
    if sum(bool(action.steps) for action in actions) < 2:
        return ordered(actions)
    from .start_order import order_starts  # noqa: PLC0415 - a plan without changes starts faster without

    return order_starts(actions, profiles)


def _watched(agents: dict[Address, Case], sources: Sources, mode: Mode) -> dict[Address, Case]:
    """A refresh tells of sessions, too, that no plan would touch."""
    if mode is not Mode.REFRESH_ONLY:
        return agents
    return with_unmanaged(agents, sources.record, sources.snapshot, sources.profiles)


def _drift(
    covered: list[Case], sources: Sources, strangers: Iterable[Unmanaged], now: str, mode: Mode
) -> tuple[Drift, ...]:
    """A refresh tells every class; other plans what they see without looking closer."""
    if mode is not Mode.REFRESH_ONLY:
        return drifts(covered, sources.snapshot, now)
    deep = deep_drifts(covered, sources.snapshot, now)
    return (*deep, *register_unmanaged(strangers, sources.record, now))


def _broker_drift(sources: Sources, options: PlanOptions, scope: Scope) -> Iterator[Drift]:
    rows, specs = sources.record.brokers, sources.desired.brokers.values()
    brokers = [spec for spec in specs if spec.address.workspace in rows and scope.covers(spec.address)]
    if not brokers or options.destroy:
        return
    from reconciler.kinds.broker.decide import drifts  # noqa: PLC0415 - few projects declare a broker

    for spec in brokers:
        yield from drifts(spec, sources.snapshot.brokers.get(spec.address, ABSENT))


def _tmux_trouble(sources: Sources) -> tuple[Diagnostic, ...]:
    """One message for all agents when tmux itself cannot be asked, and one for each pane that it tells of in vain."""
    snapshot = sources.snapshot
    if isinstance(snapshot.tmux, Unknown):
        return (tmux_trouble(snapshot.tmux, sources.desired.socket.place),)
    unread = snapshot.tmux.value.unread if isinstance(snapshot.tmux, Present) else ()
    summary, fix = "what tmux tells of a pane cannot be read", "nothing is done to it, nor in its place"
    return tuple(Diagnostic(severity=Severity.WARNING, summary=summary, detail=each.said, fix=fix) for each in unread)


def _held(cases: Iterable[Case]) -> Iterator[tuple[Address, str]]:
    """The conversations of the agents that run."""
    live = ((case.address, case.pane.value) for case in cases if isinstance(case.pane, Present))
    return ((address, pane.conversation) for address, pane in live if pane.conversation and not pane.dead)


def _said(decisions: Iterable[Decision]) -> Iterator[Diagnostic]:
    return (diagnostic for decision in decisions for diagnostic in decision.diagnostics)


def _decisions(cases: Mapping[Address, Case], sources: Sources, options: PlanOptions, scope: Scope) -> list[Decision]:
    if isinstance(sources.snapshot.tmux, Unknown):
        return []
    brokers = _brokers(sources, options, scope)
    agents = [_agent(case, sources, options, cases) for address, case in cases.items() if scope.covers(address)]
    workspaces = _workspaces(sources, options, scope, _workspaces_that_stay(agents, cases))
    unusable = {each.action.address for each in workspaces if each.action.reason is Reason.WITHHELD}
    if unusable or sources.snapshot.shut:
        agents = [_unless_in_vain(each, unusable, sources.snapshot) for each in agents]
    return [*workspaces, *brokers, *agents]


def _unless_in_vain(decision: Decision, unusable: Collection[Address], snapshot: Snapshot) -> Decision:
    """The decision, but for an agent that would start without a workspace or a server: it is left as it is.

    Without its workspace it is put off, and the others go on.
    """
    action = decision.action
    folder = workspace_address(action.address.workspace)
    homeless = folder in unusable
    needs_server = snapshot.shut is not None and not homeless
    if not (needs_server or homeless) or not any(isinstance(step, StartSession) for step in action.steps):
        return decision
    note = "no tmux server can be started" if needs_server else f"it needs {folder}"
    left = nothing(action.address, session=action.session, reason=Reason.WITHHELD, note=note).action
    action = replace(left, verb=Verb.DEFER) if homeless else left
    return replace(decision, action=action, needs_server=needs_server)


def _shut(decisions: Iterable[Decision], sources: Sources) -> Iterator[Diagnostic]:
    """One message for all agents that would start, when no tmux server can."""
    shut = sources.snapshot.shut
    if shut and any(each.needs_server for each in decisions):
        place = sources.desired.socket.place
        yield Diagnostic(severity=Severity.ERROR, summary=shut.summary, detail=shut.detail, fix=shut.fix, place=place)


def _brokers(sources: Sources, options: PlanOptions, scope: Scope) -> list[Decision]:
    staying = {} if options.destroy else sources.desired.brokers
    leaving = [row for row in sources.record.brokers.values() if row.managed and row.address not in staying]
    gone = {row.address for row in leaving}
    wanted = [spec for address, spec in sources.desired.brokers.items() if address not in gone]
    return [
        *(_broker(spec, sources, options) for spec in wanted if scope.covers(spec.address)),
        *(_leaving_broker(row, sources, staying.values(), options) for row in leaving if scope.covers(row.address)),
    ]


def _broker(spec: Broker, sources: Sources, options: PlanOptions) -> Decision:
    from reconciler.kinds.broker.decide import BrokerCase, decide  # noqa: PLC0415 - few projects declare a broker
    from reconciler.kinds.broker.leave import end  # noqa: PLC0415

    found = sources.snapshot.brokers.get(spec.address, ABSENT)
    row = sources.record.brokers.get(spec.address.workspace)
    left = sources.snapshot.broker_processes.get(row.directory, ABSENT) if row and row.managed else ABSENT
    return end(spec, found) if options.destroy else decide(BrokerCase(spec, row, found, left))


def _leaving_broker(row: BrokerRow, sources: Sources, staying: Iterable[Broker], options: PlanOptions) -> Decision:
    from reconciler.kinds.broker.leave import remove  # noqa: PLC0415 - few projects declare a broker

    process = sources.snapshot.broker_processes.get(row.directory, ABSENT)
    kept_by = next((str(spec.address) for spec in staying if spec.directory == row.directory), "")
    reason = Reason.REQUESTED if options.destroy else Reason.NOT_DECLARED
    return remove(row, process, kept_by=kept_by, reason=reason)


def _holders(cases: Mapping[Address, Case], sources: Sources) -> Holders:
    from reconciler.kinds.agent.purge import holders  # noqa: PLC0415 - a plan without changes starts faster without

    return holders(cases.values(), sources.record, sources.snapshot)


def _agent(case: Case, sources: Sources, options: PlanOptions, cases: Mapping[Address, Case]) -> Decision:
    if settled(case, options):
        return nothing(case.address, session=case.session)
    from reconciler.kinds.agent.decide import decide  # noqa: PLC0415 - a plan without changes starts faster without

    snapshot, foreign = sources.snapshot, case.squatter is not None or case.adoptee is not None
    who = _holders(cases, sources) if options.purge or foreign else {}
    facts = Facts(
        artifact=snapshot.artifacts.get(case.address, ABSENT),
        live=snapshot.agents.get(case.address, LiveAgent()),
        executable=_executable(case, sources),
        unclaimed=snapshot.unclaimed.get(case.address, ()),
        elsewhere=snapshot.elsewhere.get(case.address, 0),
        untrusted=snapshot.untrusted.get(case.address),
        belongings=snapshot.belongings.get(case.address, {}),
        holders=who,
        doomed=snapshot.doomed.get(case.address, ()),
        moved_from=snapshot.moved.get(case.address, ""),
        version=snapshot.versions.get(case.address, ""),
        occupant=_occupant(case, who, cases, sources) if foreign else Occupant(),
        away=snapshot.away.get(case.address, ""),
    )
    return decide(case, facts, options)


def _executable(case: Case, sources: Sources) -> Observed[str]:
    """The agent's program; nothing is in a folder that is made empty for it."""
    found = sources.snapshot.executables.get(case.address, ABSENT)
    home = sources.desired.workspaces.get(workspace_address(case.address.workspace))
    made_empty = home and not home.git and isinstance(sources.snapshot.folders.get(home.path), Absent)
    return ABSENT if made_empty and isinstance(found, Unknown) else found


def _occupant(case: Case, who: Holders, cases: Mapping[Address, Case], sources: Sources) -> Occupant:
    """What is in the foreign session that has the agent's name, with the agent whose conversation that is."""
    found = sources.snapshot.occupants.get(case.address, Occupant())
    said = (found.conversation,) if found.conversation else found.words
    recorded = {str(row.address) for row in sources.record.sessions.values()}
    known = recorded | {str(address) for address in sources.desired.agents}
    for conversation in said:
        others = sorted((who.get(conversation, frozenset()) & known) - {str(case.address)})
        if others:
            other = cases.get(parse_address(others[0]) or case.address)
            runs = other.pane.value.session if other and isinstance(other.pane, Present) else ""
            declared = other is not None and other.spec is not None
            return replace(found, held=conversation, owner=others[0], owner_runs=runs, owner_is_declared=declared)
    return found


def _workspaces_that_stay(agents: Iterable[Decision], cases: Mapping[Address, Case]) -> set[str]:
    """Workspaces with an agent that is live and not about to be ended."""
    leaving = {decision.action.address for decision in agents if decision.action.verb is Verb.DELETE}
    return {
        address.workspace
        for address, case in cases.items()
        if address not in leaving and (case.orphan or not isinstance(case.pane, Absent))
    }


def _workspaces(sources: Sources, options: PlanOptions, scope: Scope, staying: set[str]) -> list[Decision]:
    wanted = {} if options.destroy else sources.desired.workspaces
    rows = sources.record.workspaces
    used = {spec.path for spec in wanted.values()} | {row.path for name, row in rows.items() if name in staying}
    declared = _declared(sources, [spec for address, spec in wanted.items() if scope.covers(address)])
    leaving = [
        _leaving(row, sources.snapshot, options, in_use=row.path in used)
        for name, row in rows.items()
        if row.managed and workspace_address(name) not in wanted and scope.covers(workspace_address(name))
    ]
    return [*declared, *leaving]


def _declared(sources: Sources, wanted: Iterable[Workspace]) -> list[Decision]:
    """What each wanted workspace needs; of two that would be made on one branch, the first one gets it."""
    first: dict[tuple[str, str], Workspace] = {}
    decisions = []
    for spec in wanted:
        case = _workspace_case(sources, spec)
        if spec.git and isinstance(case.folder, Absent):
            before = first.setdefault((case.repo, spec.git.branch), spec)
            rival = before if before.path != spec.path else _holder(sources, spec.git, case.obstacle)
            case = replace(case, rival=rival)
        decisions.append(_workspace(case))
    return decisions


def _holder(sources: Sources, git: Git, obstacle: Obstacle | None) -> Workspace | None:
    """The wanted workspace that has the branch already."""
    if obstacle is None:
        return None
    wanted = sources.desired.workspaces.values()
    return next((s for s in wanted if s.path == obstacle.seen and s.git and s.git.branch == git.branch), None)


def _workspace_case(sources: Sources, spec: Workspace) -> WorkspaceCase:
    snapshot = sources.snapshot
    repo = snapshot.real.get(spec.git.repo, spec.git.repo) if spec.git else ""
    row = sources.record.workspaces.get(spec.address.workspace)
    found, obstacle = snapshot.folders.get(spec.path, ABSENT), snapshot.obstacles.get(spec.path)
    return WorkspaceCase(spec=spec, row=row, folder=found, repo=repo, obstacle=obstacle)


def _workspace(case: WorkspaceCase) -> Decision:
    if workspace_settled(case):
        return nothing(case.spec.address)
    from reconciler.kinds.workspace.decide import decide  # noqa: PLC0415 - a plan without changes starts faster without

    return decide(case)


def _leaving(row: WorkspaceRow, snapshot: Snapshot, options: PlanOptions, *, in_use: bool) -> Decision:
    from reconciler.kinds.workspace.decide import remove  # noqa: PLC0415 - a plan without changes starts faster without

    reason = Reason.REQUESTED if options.destroy else Reason.NOT_DECLARED
    return remove(row, snapshot.folders.get(row.path, ABSENT), in_use=in_use, reason=reason)
