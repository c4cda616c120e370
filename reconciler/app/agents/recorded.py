"""The content of `show`: the registry, or what it and the live world say of one address."""

from __future__ import annotations

from typing import cast

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.project.project import Project
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import Address
from reconciler.model.observed import ABSENT, Observed
from reconciler.model.record import BrokerRow, Json
from reconciler.model.short_names import everything_named, the_one
from reconciler.ports.world import Brokers
from reconciler.render import facts
from reconciler.render.status import status_document


def recorded(at: Project, address: str = "") -> dict[str, Json]:
    """The whole registry in today's format, or what is recorded and live of one address or name.

    Raises:
        UsageError: The name matches nothing, or more than one.
    """
    seen = look(at)
    if not address:
        return dict(seen.stored.today)
    found = the_one(address, everything_named(seen.desired, seen.stored.record), "").address
    return _about_broker(at, seen, found) if found.kind == "broker" else _about(seen, found)


def _about(seen: ProjectView, address: Address) -> dict[str, Json]:
    """The registry row of an agent or a workspace, and the agent's status line."""
    agents = status_document(statuses(seen.cases, seen.stored.record, seen.snapshot), ())["agents"]
    live = next((agent for agent in agents if agent["address"] == str(address)), None)
    row = _row(seen, "sessions", live["session"]) if live else _row(seen, "workspaces", address.workspace)
    declared = address in seen.desired.workspaces or address in seen.desired.agents
    return {"address": str(address), "declared": declared, "live": cast("Json", live), "recorded": row}


def _about_broker(at: Project, seen: ProjectView, address: Address) -> dict[str, Json]:
    """The registry row of a broker, and what is on disk and running."""
    spec, row = seen.desired.brokers.get(address), seen.stored.record.brokers.get(address.workspace)
    brokers = at.world(seen.desired.socket).brokers
    live = facts.broker_live(brokers.survey(spec)) if spec else facts.left_broker_live(_process(brokers, row))
    recorded = _row(seen, "brokers", address.workspace)
    return {"address": str(address), "declared": spec is not None, "live": live["facts"], "recorded": recorded}


def _process(brokers: Brokers, row: BrokerRow | None) -> Observed[int]:
    return brokers.process(row.directory) if row else ABSENT


def _row(seen: ProjectView, table: str, name: str) -> Json:
    rows = seen.stored.today.get(table)
    return rows.get(name) if isinstance(rows, dict) else None
