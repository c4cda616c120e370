"""The content of `status` and `show`: all agents, one in detail, or what is recorded about an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import Address, parse_address
from reconciler.model.errors import UsageError
from reconciler.model.observed import ABSENT, Unknown
from reconciler.model.record import Json
from reconciler.model.short_names import the_one
from reconciler.model.snapshot import tmux_trouble
from reconciler.render.status import detail_document, status_document
from reconciler.render.subject import everything_named
from reconciler.state.history import HistoryEntry, read

if TYPE_CHECKING:
    from reconciler.render.documents.status import HistoryDoc, StatusDetail, StatusDoc


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
    """The registry's content in today's shape, or what it and status say of one address or name.

    UsageError when there is no such address, or when several have the name in theirs.
    """
    seen = look(at)
    if not address:
        return dict(seen.stored.today)
    if parse_address(address) is None:
        known = everything_named(seen.desired, seen.stored.record)
        places = [each for each in known if each.address.kind != "broker"]
        address = str(the_one(address, places, "").address)
    return _about(seen, address)


def _about(seen: ProjectView, address: str) -> dict[str, Json]:
    """The registry row and the status line of one address."""
    agents = status_document(statuses(seen.cases, seen.stored.record, seen.snapshot), ())["agents"]
    live = next((agent for agent in agents if agent["address"] == address), None)
    table, name = ("workspaces", address.split(".")[1]) if live is None else ("sessions", live["session"])
    rows = seen.stored.today.get(table)
    row = rows.get(name) if isinstance(rows, dict) else None
    declared = any(str(each) == address for each in (*seen.desired.workspaces, *seen.desired.agents))
    if live is None and row is None and not declared:
        raise UsageError(f"there is no {address}", fix="`reconciler status --json` lists all addresses")
    return {"address": address, "declared": declared, "live": cast("Json", live), "recorded": row}
