"""What the manifests, the registry and the live system say about one address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.agents.catalogue import catalogue
from reconciler.kinds.agent.case import Case, PlanOptions, cases
from reconciler.kinds.agent.drift import deep_drifts
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import Address
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Place
from reconciler.model.observed import ABSENT
from reconciler.model.plan import Plan
from reconciler.model.record import BrokerRow, Record, Section
from reconciler.model.snapshot import Snapshot

from . import facts
from .document import drift_item

if TYPE_CHECKING:
    from .documents.drift import DriftDoc
    from .documents.explanation import SourceDoc


class PlanView(Struct, frozen=True):
    """A plan and what it was made from. `row_place` returns where a row is in the registry file."""

    plan: Plan
    desired: Desired
    record: Record
    snapshot: Snapshot
    options: PlanOptions
    row_place: Callable[[Section, str], Place]


class AddressView(Struct, frozen=True):
    """One address with the facts of each source; `drift` is everything that a close look found about it."""

    address: Address
    session: str
    live: SourceDoc
    declared: SourceDoc | None = None
    recorded: SourceDoc | None = None
    drift: tuple[DriftDoc, ...] = ()


def subject(view: PlanView, address: Address) -> AddressView:
    """What is known about an address."""
    match address.kind:
        case "agent":
            return _agent(view, address)
        case "workspace":
            return _workspace(view, address)
        case _:
            return _broker(view, address)


def _agent(view: PlanView, address: Address) -> AddressView:
    desired, record, snapshot = view.desired, view.record, view.snapshot
    found = cases(desired, record, snapshot, catalogue(desired.agent_types.values()), view.options)
    status = next(each for each in statuses(found, record, snapshot) if each.address == address)
    case, spec = found.get(address), desired.agents.get(address)
    row = case.row if case else next(row for row in record.sessions.values() if row.address == address)
    identity = case.identity if case else record.identity(address, row)
    return AddressView(
        address=address,
        session=status.session,
        live=facts.agent_live(status, case, snapshot.artifacts.get(address), snapshot.hidden.get(address)),
        declared=facts.agent_declared(spec) if spec else None,
        recorded=facts.agent_recorded(row, identity, view.row_place(Section.SESSIONS, row.session)) if row else None,
        drift=_drift(view, case, address),
    )


def _drift(view: PlanView, case: Case | None, address: Address) -> tuple[DriftDoc, ...]:
    found = deep_drifts([case] if case else [], view.snapshot, view.options.now)
    return tuple(drift_item(view.plan, each) for each in found if each.address == address and not each.silent)


def _workspace(view: PlanView, address: Address) -> AddressView:
    spec = view.desired.workspaces.get(address)
    row = view.record.workspaces.get(address.workspace)
    path = spec.path if spec else row.path if row else ""
    place = view.row_place(Section.WORKSPACES, address.workspace)
    return AddressView(
        address=address,
        session="",
        live=facts.workspace_live(view.snapshot.folders.get(path)),
        declared=facts.workspace_declared(spec) if spec else None,
        recorded=facts.workspace_recorded(row, place) if row else None,
    )


def _broker(view: PlanView, address: Address) -> AddressView:
    spec, row = view.desired.brokers.get(address), view.record.brokers.get(address.workspace)
    place = view.row_place(Section.BROKERS, address.workspace)
    return AddressView(
        address=address,
        session="",
        live=_broker_live(view, address, row),
        declared=facts.broker_declared(spec) if spec else None,
        recorded=facts.broker_recorded(row, place) if row else None,
        drift=tuple(
            drift_item(view.plan, each) for each in view.plan.all_drift if each.address == address and not each.silent
        ),
    )


def _broker_live(view: PlanView, address: Address, row: BrokerRow | None) -> SourceDoc:
    if address in view.desired.brokers:
        return facts.broker_live(view.snapshot.brokers.get(address, ABSENT))
    return facts.left_broker_live(view.snapshot.broker_processes.get(row.directory if row else ""))
