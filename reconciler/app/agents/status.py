"""The content of `status` and `show`: all agents, one in detail, or what is recorded about an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import Address
from reconciler.model.observed import ABSENT, Observed, Unknown
from reconciler.model.record import BrokerRow, Json
from reconciler.model.short_names import the_one
from reconciler.model.snapshot import tmux_trouble
from reconciler.ports.world import Brokers
from reconciler.render import facts
from reconciler.render.documents.status import HistoryDoc, StatusDetail, StatusDoc
from reconciler.render.status import detail_document, status_document
from reconciler.render.subject import everything_named
from reconciler.state.history import HistoryEntry, read


def status(at: Project, name: str = "") -> StatusDoc:
    """All agents, or the named one with its detail. Raises UsageError if it does not exist."""
    seen = look(at)
    trouble = seen.snapshot.tmux
    hidden = [tmux_trouble(trouble)] if isinstance(trouble, Unknown) else []
    said = [*about_registry(at, seen.stored), *hidden, *seen.snapshot.visibility_warnings]
    agents = list(statuses(seen.cases, seen.stored.record, seen.snapshot))
    if not name:
        return status_document(agents, said)
    (address,) = resolve_names(seen, [name], found=True)
    document = status_document([agent for agent in agents if agent.address == address], said)
    for row in document["agents"]:
        row["detail"] = _detail(at, seen, address)
    return document


def _detail(at: Project, seen: ProjectView, address: Address) -> StatusDetail:
    record = seen.stored.record
    row = next((row for row in record.sessions.values() if row.address == address), None)
    identity = seen.cases[address].identity if address in seen.cases else record.identity(address, row)
    artifact = seen.snapshot.artifacts.get(address, ABSENT)
    return detail_document(address.workspace, identity, artifact, _past(read(at.history, str(address))))


def _past(entries: Iterable[HistoryEntry]) -> list[HistoryDoc]:
    return [
        {
            "at": entry.at,
            "what": entry.what,
            "reason": entry.reason,
            "conversation": entry.conversation,
            "note": entry.note,
        }
        for entry in entries
    ]


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
