"""The content of `show`: the registry, or what it and the live world say of one address."""

from __future__ import annotations

from typing import cast

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.project.project import Project
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import parse_address
from reconciler.model.errors import UsageError
from reconciler.model.record import Json
from reconciler.model.short_names import the_one
from reconciler.render.status import status_document
from reconciler.render.subject import everything_named


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
