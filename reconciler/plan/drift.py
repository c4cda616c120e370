"""What the command `drift` reports: only the classes asked for, and an error for everything it could not check."""

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
    """Add an error for everything that could not be looked at; if there is none, one for each unused `accept` entry."""
    diagnostics = (*plan.diagnostics, *_not_readable(plan, sources, options))
    checked = replace(plan, diagnostics=diagnostics)
    return checked if checked.errors else replace(plan, diagnostics=(*diagnostics, *useless(plan.unused)))


def of_classes(letters: frozenset[str], plan: Plan) -> Plan:
    """Keep only these classes of drift. Call it after `strict`: all classes count for what an entry accepts."""
    return replace(
        plan,
        drift=tuple(each for each in plan.drift if each.kind in letters),
        learned=tuple(each for each in plan.learned if each.kind in letters),
        accepted=tuple(each for each in plan.accepted if each.drift.kind in letters),
    )


def _not_readable(plan: Plan, sources: Sources, options: PlanOptions) -> Iterator[Diagnostic]:
    for address, what, found in _looked_at(sources, options):
        if isinstance(found, Unknown):
            summary = f"cannot look at {what}{address}"
            fix = "correct that, then type the command again"
            yield Diagnostic(
                severity=Severity.ERROR,
                summary=summary,
                detail=found.reason,
                fix=fix,
                address=str(address),
                place=plan.places.get(address),
            )


def _without_session(case: Case) -> Unknown:
    return Unknown(f"process {case.orphan} still runs, although its session is gone")


def _looked_at(sources: Sources, options: PlanOptions) -> Iterator[tuple[Address, str, object]]:
    snapshot = sources.snapshot
    if not isinstance(snapshot.tmux, Unknown):  # the plan has one error for that already, instead of one per agent
        agents = cases(sources.desired, sources.record, snapshot, sources.profiles, options)
        yield from ((address, "", case.pane) for address, case in agents.items())
        yield from ((address, "", _without_session(case)) for address, case in agents.items() if case.orphan)
    yield from ((address, "", found) for address, found in snapshot.brokers.items())
    for row in sources.record.brokers.values():
        yield row.address, "", snapshot.broker_processes.get(row.directory)
    yield from ((address, "the conversation of ", found) for address, found in snapshot.artifacts.items())
