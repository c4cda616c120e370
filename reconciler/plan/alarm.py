"""What a drift check must not pass over in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Unknown
from reconciler.model.plan import Plan
from reconciler.model.snapshot import Snapshot

from .accept import useless


def strict(plan: Plan, snapshot: Snapshot) -> Plan:
    """The plan with an error for everything that could not be looked at, else for what is accepted in vain."""
    blind = (*plan.diagnostics, *_unseen(plan, snapshot))
    seen = replace(plan, diagnostics=blind)
    return seen if seen.errors else replace(plan, diagnostics=(*blind, *useless(plan.unused)))


def _unseen(plan: Plan, snapshot: Snapshot) -> Iterator[Diagnostic]:
    for address, found in (*snapshot.brokers.items(), *snapshot.artifacts.items()):
        if isinstance(found, Unknown):
            summary = f"cannot look at {'the conversation of ' if address.agent else ''}{address}"
            fix = "make it readable, then look again"
            yield Diagnostic(Severity.ERROR, summary, found.reason, fix, str(address), plan.places.get(address))
