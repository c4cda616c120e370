"""The comparison. Wanted against recorded and live gives the actions; recorded against live gives the drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.kinds.agent.case import Case, PlanOptions, settled, with_unmanaged
from reconciler.kinds.agent.drift import deep_drifts, drifts
from reconciler.kinds.agent.unmanaged import register_unmanaged, unmanaged
from reconciler.kinds.decision import Decision, nothing
from reconciler.kinds.workspace.case import settled as workspace_settled
from reconciler.model.action import Action
from reconciler.model.address import Address, workspace_address
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.plan import Drift, Mode, Plan, Unmanaged
from reconciler.model.snapshot import tmux_trouble

from .accept import expiries, judge_drift
from .guard import shared_conversations
from .order import ordered
from .scope import Scope, left_alone, to_end
from .sources import Sources, workspace_case

_NAMED = 3  # agents in one message
Holders: TypeAlias = Mapping[str, frozenset[str]]


def diff(sources: Sources, options: PlanOptions, scope: Scope, mode: Mode = Mode.NORMAL) -> Plan:
    """Make the plan that brings the live and the recorded state to the desired one."""
    return compare(sources.cases(options), sources, options, scope, mode)


def compare(agents: dict[Address, Case], sources: Sources, options: PlanOptions, scope: Scope, mode: Mode) -> Plan:
    """Make the same plan as `diff`, for a caller that has built the cases already."""
    scope = to_end(scope, sources.desired.agents) if options.destroy else scope
    watched = _watched(agents, sources, mode)
    covered = [case for case in watched.values() if scope.covers(case.address)]
    strangers = unmanaged(sources.desired, sources.record, sources.snapshot.tmux, sources.profiles)
    alone = left_alone(scope, sources.desired, options.replace) if sources.desired.inactive else frozenset()
    deciding = replace(scope, excluded=scope.excluded | alone) if alone else scope
    decisions = [] if mode is Mode.REFRESH_ONLY else _decisions(agents, sources, options, deciding)
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
            *sources.snapshot.visibility_warnings,
            *sources.desired.diagnostics,
            *_outside_of_profiles(alone, agents),
            *expiries(verdict.expired),
            *_messages(decisions),
            *_no_server(decisions, sources),
            *shared_conversations([decision.action for decision in decisions], _held(agents.values())),
        ),
        places=sources.desired.places,
    )


def _in_order(actions: list[Action], profiles: Mapping[str, Profile]) -> tuple[Action, ...]:
    # Fewer than two agents never have to wait for each other.
    if sum(bool(action.steps) for action in actions) < 2:
        return ordered(actions)
    from .start_order import order_starts  # noqa: PLC0415 - a plan without changes starts faster without

    return order_starts(actions, profiles)


def _watched(agents: dict[Address, Case], sources: Sources, mode: Mode) -> dict[Address, Case]:
    """The agents to look for drift in: a refresh-only plan adds the unmanaged ones."""
    if mode is not Mode.REFRESH_ONLY:
        return agents
    return with_unmanaged(agents, sources.record, sources.snapshot, sources.profiles)


def _drift(
    covered: list[Case], sources: Sources, strangers: Iterable[Unmanaged], now: str, mode: Mode
) -> tuple[Drift, ...]:
    """The drift of agents: every class in a refresh-only plan, else what shows without a closer look."""
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
    """One message for all agents if tmux cannot be asked, and one for each pane that cannot be parsed."""
    snapshot = sources.snapshot
    if isinstance(snapshot.tmux, Unknown):
        return (tmux_trouble(snapshot.tmux, sources.desired.socket.place),)
    unread = snapshot.tmux.value.unread if isinstance(snapshot.tmux, Present) else ()
    summary = "tmux printed a pane that reconciler cannot parse"
    fix = "reconciler leaves alone the agent whose pane it may be"
    return tuple(Diagnostic(severity=Severity.WARNING, summary=summary, detail=each.reason, fix=fix) for each in unread)


def _held(cases: Iterable[Case]) -> Iterator[tuple[Address, str]]:
    """The conversations of the agents that run."""
    live = ((case.address, case.pane.value) for case in cases if isinstance(case.pane, Present))
    return ((address, pane.conversation) for address, pane in live if pane.conversation and not pane.dead)


def _messages(decisions: Iterable[Decision]) -> Iterator[Diagnostic]:
    return (diagnostic for decision in decisions for diagnostic in decision.diagnostics)


def _outside_of_profiles(alone: Iterable[Address], agents: Mapping[Address, Case]) -> Iterator[Diagnostic]:
    """One message for all agents that run although no profile of theirs is active."""
    cases = [agents[address] for address in sorted(alone) if address in agents]
    running = [case for case in cases if isinstance(case.pane, Present) and not case.pane.value.dead]
    if not running:
        return
    named = ", ".join(str(case.address) for case in running[:_NAMED])
    more = f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
    verb = (
        "runs, but its profiles are not active: it is"
        if len(running) == 1
        else "run, but their profiles are not active: they are"
    )
    profiles = sorted({name for case in running if case.spec for name in case.spec.profiles})
    fix = f"pass --profile {profiles[0]} to manage it" if profiles else "pass --profile NAME to manage it"
    yield Diagnostic(Severity.WARNING, f"{named}{more} {verb} left alone", fix=fix)


def _no_server(decisions: Iterable[Decision], sources: Sources) -> Iterator[Diagnostic]:
    """One error for all agents that would start, when no tmux server can be started."""
    problem = sources.snapshot.server_problem
    if problem and any(each.needs_server for each in decisions):
        place = sources.desired.socket.place
        yield Diagnostic(
            severity=Severity.ERROR, summary=problem.summary, detail=problem.detail, fix=problem.fix, place=place
        )


def _decisions(agents: Mapping[Address, Case], sources: Sources, options: PlanOptions, scope: Scope) -> list[Decision]:
    if isinstance(sources.snapshot.tmux, Unknown):
        return []
    covered = [case for address, case in agents.items() if scope.covers(address)]
    if _is_settled(covered, sources, options):
        folders = (spec.address for spec in sources.desired.workspaces.values())
        unchanged = [nothing(address) for address in folders if scope.covers(address)]
        return [*unchanged, *(nothing(case.address, session=case.session) for case in covered)]
    from .decisions import decisions  # noqa: PLC0415 - a plan without changes starts faster without

    return decisions(agents, sources, options, scope)


def _is_settled(covered: Iterable[Case], sources: Sources, options: PlanOptions) -> bool:
    """True when all agents and workspaces are settled and there are no brokers: the plan is then empty."""
    if options.destroy or sources.desired.brokers or sources.record.brokers:
        return False
    wanted, rows = sources.desired.workspaces, sources.record.workspaces
    if any(row.managed and workspace_address(name) not in wanted for name, row in rows.items()):
        return False
    folders = (workspace_case(sources, spec) for spec in wanted.values())
    return all(map(workspace_settled, folders)) and all(settled(case, options) for case in covered)
