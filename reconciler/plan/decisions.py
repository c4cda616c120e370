"""What to do about each broker, workspace and agent. Only loaded when something may have to be done. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from reconciler.kinds.agent.case import Case, PlanOptions, settled
from reconciler.kinds.agent.conversation import conversation_facts
from reconciler.kinds.agent.decide import decide as decide_agent
from reconciler.kinds.agent.purge import holders
from reconciler.kinds.broker.decide import BrokerCase
from reconciler.kinds.broker.decide import decide as decide_broker
from reconciler.kinds.broker.leave import end as end_broker
from reconciler.kinds.broker.leave import remove as remove_broker
from reconciler.kinds.decision import Decision, nothing
from reconciler.kinds.workspace.case import WorkspaceCase
from reconciler.kinds.workspace.case import settled as workspace_settled
from reconciler.kinds.workspace.decide import decide as decide_workspace
from reconciler.kinds.workspace.decide import remove as remove_workspace
from reconciler.model.action import Reason, Verb
from reconciler.model.address import Address, parse_address, workspace_address
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import BrokerRow, WorkspaceRow
from reconciler.model.snapshot import Occupant, Snapshot
from reconciler.model.step import StartSession

from .scope import Scope
from .sources import Sources, workspace_case

if TYPE_CHECKING:
    from reconciler.model.broker import Broker
    from reconciler.model.desired import Git, Workspace
    from reconciler.model.obstacle import Obstacle

Holders: TypeAlias = Mapping[str, frozenset[str]]


def decisions(cases: Mapping[Address, Case], sources: Sources, options: PlanOptions, scope: Scope) -> list[Decision]:
    """Decide about everything that the scope covers; `cases` holds all agents, also those outside of it."""
    brokers = _broker_decisions(sources, options, scope)
    agents = [_agent(case, sources, options, cases) for address, case in cases.items() if scope.covers(address)]
    workspaces = _workspace_decisions(sources, options, scope, _workspaces_that_stay(agents, cases))
    unusable = {each.action.address for each in workspaces if each.action.reason is Reason.WITHHELD}
    if unusable or sources.snapshot.server_problem:
        agents = [_unless_start_would_fail(each, unusable, sources.snapshot) for each in agents]
    return [*workspaces, *brokers, *agents]


def _unless_start_would_fail(decision: Decision, unusable: Collection[Address], snapshot: Snapshot) -> Decision:
    """The decision, or none to start an agent whose workspace, or a tmux server, cannot be created.

    An agent without its workspace is deferred, so the others go on.
    """
    action = decision.action
    folder = workspace_address(action.address.workspace)
    needs_folder = folder in unusable
    needs_server = snapshot.server_problem is not None and not needs_folder
    if not (needs_server or needs_folder) or not any(isinstance(step, StartSession) for step in action.steps):
        return decision
    note = "no tmux server can be started" if needs_server else f"it needs {folder}"
    noop = nothing(action.address, session=action.session, reason=Reason.WITHHELD, note=note).action
    action = replace(noop, verb=Verb.DEFER) if needs_folder else noop
    return replace(decision, action=action, needs_server=needs_server)


def _broker_decisions(sources: Sources, options: PlanOptions, scope: Scope) -> list[Decision]:
    staying = {} if options.destroy else sources.desired.brokers
    leaving = [row for row in sources.record.brokers.values() if row.managed and row.address not in staying]
    gone = {row.address for row in leaving}
    wanted = [spec for address, spec in sources.desired.brokers.items() if address not in gone]
    return [
        *(_broker(spec, sources, options) for spec in wanted if scope.covers(spec.address)),
        *(_leaving_broker(row, sources, staying.values(), options) for row in leaving if scope.covers(row.address)),
    ]


def _broker(spec: Broker, sources: Sources, options: PlanOptions) -> Decision:

    found = sources.snapshot.brokers.get(spec.address, ABSENT)
    row = sources.record.brokers.get(spec.address.workspace)
    old_process = sources.snapshot.broker_processes.get(row.directory, ABSENT) if row and row.managed else ABSENT
    return end_broker(spec, found) if options.destroy else decide_broker(BrokerCase(spec, row, found, old_process))


def _leaving_broker(row: BrokerRow, sources: Sources, staying: Iterable[Broker], options: PlanOptions) -> Decision:
    process = sources.snapshot.broker_processes.get(row.directory, ABSENT)
    kept_by = next((str(spec.address) for spec in staying if spec.directory == row.directory), "")
    reason = Reason.REQUESTED if options.destroy else Reason.NOT_DECLARED
    return remove_broker(row, process, kept_by=kept_by, reason=reason)


def _holders(cases: Mapping[Address, Case], sources: Sources) -> Holders:
    return holders(cases.values(), sources.record, sources.snapshot)


def _agent(case: Case, sources: Sources, options: PlanOptions, cases: Mapping[Address, Case]) -> Decision:
    if settled(case, options):
        return nothing(case.address, session=case.session)
    snapshot, foreign = sources.snapshot, case.foreign_pane is not None or case.pane_to_import is not None
    held_by = _holders(cases, sources) if options.purge or foreign else {}
    facts = replace(
        conversation_facts(case.address, snapshot),
        executable=_executable(case, sources),
        wrapper=snapshot.wrappers.get(case.address),
        absent=_absent(case, sources),
        untrusted=snapshot.untrusted.get(case.address),
        belongings=snapshot.belongings.get(case.address, {}),
        holders=held_by,
        deleted_by_start=snapshot.deleted_by_start.get(case.address, ()),
        occupant=_occupant(case, held_by, cases, sources) if foreign else Occupant(),
    )
    return decide_agent(case, facts, options)


def _absent(case: Case, sources: Sources) -> frozenset[str]:
    """The folders that the agent needs and does not have. A worktree that is still to be made may bring its `cwd`."""
    found = sources.snapshot.absent.get(case.address, frozenset())
    home = sources.desired.workspaces.get(workspace_address(case.address.workspace))
    if not found or home is None or case.spec is None:
        return found
    is_made = home.git is not None and isinstance(sources.snapshot.folders.get(home.path), Absent)
    return found - {case.spec.cwd} if is_made and case.spec.cwd.startswith(f"{home.path}/") else found


def _executable(case: Case, sources: Sources) -> Observed[str]:
    """The agent's program. If its folder is still to be created, a program inside of it cannot be there."""
    found = sources.snapshot.executables.get(case.address, ABSENT)
    hides = sources.snapshot.hidden.get(case.address)
    if hides and hides.search:
        return found
    home = sources.desired.workspaces.get(workspace_address(case.address.workspace))
    made_empty = home and not home.git and isinstance(sources.snapshot.folders.get(home.path), Absent)
    return ABSENT if made_empty and isinstance(found, Unknown) else found


def _occupant(case: Case, held_by: Holders, cases: Mapping[Address, Case], sources: Sources) -> Occupant:
    """What runs in the foreign session that has the agent's name, with the agent that its conversation belongs to.

    Where the CLI reports no conversation, every word of its command line is tried as an id.
    """
    found = sources.snapshot.occupants.get(case.address, Occupant())
    candidates = (found.conversation,) if found.conversation else found.words
    recorded = {str(row.address) for row in sources.record.sessions.values()}
    known = recorded | {str(address) for address in sources.desired.agents}
    for conversation in candidates:
        others = sorted((held_by.get(conversation, frozenset()) & known) - {str(case.address)})
        if others:
            other = cases.get(parse_address(others[0]) or case.address)
            runs = other.pane.value.session if other and isinstance(other.pane, Present) else ""
            declared = other is not None and other.spec is not None
            return replace(found, held=conversation, owner=others[0], owner_runs=runs, owner_is_declared=declared)
    return found


def _workspaces_that_stay(agents: Iterable[Decision], cases: Mapping[Address, Case]) -> set[str]:
    """The names of the workspaces with an agent that runs, or may run, and is not about to be ended."""
    leaving = {decision.action.address for decision in agents if decision.action.verb is Verb.DELETE}
    return {
        address.workspace
        for address, case in cases.items()
        if address not in leaving and (case.orphan or not isinstance(case.pane, Absent))
    }


def _workspace_decisions(sources: Sources, options: PlanOptions, scope: Scope, staying: set[str]) -> list[Decision]:
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
    """Decide about each wanted workspace. Of two that need a worktree of one branch, the first one gets it."""
    first: dict[tuple[str, str], Workspace] = {}
    decisions = []
    for spec in wanted:
        case = workspace_case(sources, spec)
        if spec.git and isinstance(case.folder, Absent):
            before = first.setdefault((case.repo, spec.git.branch), spec)
            rival = before if before.path != spec.path else _holder(sources, spec.git, case.obstacle)
            case = replace(case, rival=rival)
        decisions.append(_workspace(case))
    return decisions


def _holder(sources: Sources, git: Git, obstacle: Obstacle | None) -> Workspace | None:
    """The wanted workspace in which the branch is checked out already; None when there is none."""
    if obstacle is None:
        return None
    wanted = sources.desired.workspaces.values()
    return next((s for s in wanted if s.path == obstacle.subject and s.git and s.git.branch == git.branch), None)


def _workspace(case: WorkspaceCase) -> Decision:
    if workspace_settled(case):
        return nothing(case.spec.address)
    return decide_workspace(case)


def _leaving(row: WorkspaceRow, snapshot: Snapshot, options: PlanOptions, *, in_use: bool) -> Decision:
    reason = Reason.REQUESTED if options.destroy else Reason.NOT_DECLARED
    return remove_workspace(row, snapshot.folders.get(row.path, ABSENT), in_use=in_use, reason=reason)
