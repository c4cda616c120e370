"""The one comparison: wanted against recorded and live gives intent, recorded against live gives drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.agents.profile import Profile
from reconciler.kinds import agent, workspace
from reconciler.kinds.agent import Case, Facts, Wish
from reconciler.kinds.decision import Decision
from reconciler.model.action import Reason, Verb
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import ABSENT, Absent, Unknown
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Record
from reconciler.model.snapshot import LiveAgent, Snapshot

from .guard import shared_conversations
from .order import ordered
from .scope import Scope


@dataclass(frozen=True, slots=True)
class Sources:
    """The three things that are compared, and the agent types they speak of."""

    desired: Desired
    record: Record
    snapshot: Snapshot
    profiles: Mapping[str, Profile]


def diff(sources: Sources, wish: Wish, scope: Scope, mode: Mode = Mode.NORMAL) -> Plan:
    """The plan that makes live and recorded what is desired."""
    cases = agent.cases(sources.desired, sources.record, sources.snapshot, sources.profiles, wish)
    drift = agent.drifts(
        [case for case in cases.values() if scope.covers(case.address)], sources.snapshot.tmux, wish.now
    )
    decisions = [] if mode is Mode.REFRESH_ONLY else _decisions(cases, sources, wish, scope)
    return Plan(
        mode=mode,
        lineage=sources.record.lineage,
        serial=sources.record.serial,
        manifest_digest=sources.desired.digest,
        actions=ordered([decision.action for decision in decisions]),
        drift=drift,
        unmanaged=agent.unmanaged(sources.desired, sources.record, sources.snapshot.tmux),
        diagnostics=(
            *_tmux_trouble(sources.snapshot),
            *sources.desired.diagnostics,
            *_said(decisions),
            *shared_conversations(decision.action for decision in decisions),
        ),
    )


def _tmux_trouble(snapshot: Snapshot) -> tuple[Diagnostic, ...]:
    """One message for all agents when tmux itself cannot be asked."""
    if not isinstance(snapshot.tmux, Unknown):
        return ()
    return (Diagnostic(Severity.ERROR, "tmux could not be asked", snapshot.tmux.reason),)


def _said(decisions: Iterable[Decision]) -> Iterator[Diagnostic]:
    return (diagnostic for decision in decisions for diagnostic in decision.diagnostics)


def _decisions(cases: Mapping[Address, Case], sources: Sources, wish: Wish, scope: Scope) -> list[Decision]:
    if isinstance(sources.snapshot.tmux, Unknown):
        return []
    agents = [
        agent.decide(case, _facts(address, sources.snapshot), wish)
        for address, case in cases.items()
        if scope.covers(address)
    ]
    staying = _workspaces_that_stay(agents, cases)
    return [*_workspaces(sources, wish, scope, staying), *agents]


_NOTHING_LOOKED_UP = Facts()


def _facts(address: Address, snapshot: Snapshot) -> Facts:
    if address not in snapshot.artifacts and address not in snapshot.agents:
        return _NOTHING_LOOKED_UP
    return Facts(
        snapshot.artifacts.get(address, ABSENT),
        snapshot.agents.get(address, LiveAgent()),
        snapshot.executables.get(address, ABSENT),
    )


def _workspaces_that_stay(agents: Iterable[Decision], cases: Mapping[Address, Case]) -> set[str]:
    """Workspaces with an agent that is live and not about to be ended."""
    leaving = {decision.action.address for decision in agents if decision.action.verb is Verb.DELETE}
    return {
        address.workspace
        for address, case in cases.items()
        if address not in leaving and not isinstance(case.pane, Absent)
    }


def _workspaces(sources: Sources, wish: Wish, scope: Scope, staying: set[str]) -> list[Decision]:
    wanted = {} if wish.destroy else sources.desired.workspaces
    decisions = [
        workspace.decide(_workspace_case(sources, spec.address))
        for spec in wanted.values()
        if scope.covers(spec.address)
    ]
    for row in sources.record.workspaces.values():
        address = workspace_address(row.name)
        if address in wanted or not row.managed or not scope.covers(address):
            continue
        folder = sources.snapshot.folders.get(row.path, ABSENT)
        reason = Reason.REQUESTED if wish.destroy else Reason.NOT_DECLARED
        decisions.append(workspace.remove(row, folder, in_use=row.name in staying, reason=reason))
    return decisions


def _workspace_case(sources: Sources, address: Address) -> workspace.WorkspaceCase:
    spec = sources.desired.workspaces[address]
    snapshot = sources.snapshot
    repo = snapshot.real.get(spec.git.repo, spec.git.repo) if spec.git else ""
    row = sources.record.workspaces.get(address.workspace)
    return workspace.WorkspaceCase(spec, row, snapshot.folders.get(spec.path, ABSENT), repo)
