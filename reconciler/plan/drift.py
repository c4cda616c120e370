"""What a drift check tells: the classes that are asked for, and what it must not pass over in silence."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from reconciler.kinds.agent.case import Case, PlanOptions, cases
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Unknown
from reconciler.model.plan import Plan

from .accept import useless
from .sources import Sources


def strict(plan: Plan, sources: Sources, options: PlanOptions) -> Plan:
    """The plan with an error for everything that could not be looked at, else for what is accepted in vain."""
    said = (*plan.diagnostics, *_unseen(plan, sources, options))
    seen = replace(plan, diagnostics=said)
    return seen if seen.errors else replace(plan, diagnostics=(*said, *useless(plan.unused)))


def of_classes(letters: frozenset[str], plan: Plan) -> Plan:
    """The plan with these classes of drift alone; what an acceptance is for was judged by all of them."""
    return replace(
        plan,
        drift=tuple(each for each in plan.drift if each.kind in letters),
        learned=tuple(each for each in plan.learned if each.kind in letters),
        accepted=tuple(each for each in plan.accepted if each.drift.kind in letters),
    )


def _unseen(plan: Plan, sources: Sources, options: PlanOptions) -> Iterator[Diagnostic]:
    for address, what, found in _looked_at(sources, options):
        if isinstance(found, Unknown):
            summary = f"cannot look at {what}{address}"
            fix = "see to it that it can be looked at, then look again"
            yield Diagnostic(
                severity=Severity.ERROR,
                summary=summary,
                detail=found.reason,
                fix=fix,
                address=str(address),
                place=plan.places.get(address),
            )


def _beyond_tmux(case: Case) -> Unknown:
    return Unknown(f"process {case.orphan} still runs, although its session is gone")


def _looked_at(sources: Sources, options: PlanOptions) -> Iterator[tuple[Address, str, object]]:
    snapshot = sources.snapshot
    if not isinstance(snapshot.tmux, Unknown):  # that is one error of its own, not one for each agent
        agents = cases(sources.desired, sources.record, snapshot, sources.profiles, options)
        yield from ((address, "", case.pane) for address, case in agents.items())
        yield from ((address, "", _beyond_tmux(case)) for address, case in agents.items() if case.orphan)
    yield from ((address, "", found) for address, found in snapshot.brokers.items())
    for row in sources.record.brokers.values():
        yield row.address, "", snapshot.broker_processes.get(row.directory)
    yield from ((address, "the conversation of ", found) for address, found in snapshot.artifacts.items())
