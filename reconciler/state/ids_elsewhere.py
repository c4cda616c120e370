"""Find conversations where older tools recorded them: only in a session's row, or under the agent's name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.adoption import OlderShape
from reconciler.model.record import Identity, Json, Record, RowEdit, Section, SessionRow, Status

from .kinds_of_keys import OWN_ID
from .older import NotTaken, Taken

_NOBODY = Identity()


class IdElsewhere(Struct, frozen=True):
    """The conversations that the workspace of `address` does not list yet, and where the file has them."""

    address: Address
    identity: Identity
    taken: tuple[Taken, ...] = ()


def ids_elsewhere(record: Record) -> Iterator[IdElsewhere]:
    """Each agent whose workspace does not list all its conversations, with the complete list."""
    rows: dict[Address, list[SessionRow]] = {}
    for row in record.sessions.values():
        if row.older and row.managed:
            rows.setdefault(row.address, []).append(row)
    for address, own in rows.items():
        found = _of_agent(record, address, own)
        if found:
            yield found


def missing_ids(record: Record) -> Iterator[RowEdit]:
    """The edits that list every conversation with its agent, the current one first.

    A workspace that this adds is marked as not in a manifest, because nothing here says that one declares it.
    """
    for each in ids_elsewhere(record):
        name, agent = each.address.workspace, each.address.agent
        identity: dict[str, Json] = {"session_id": each.identity.session_id, "previous": list(each.identity.previous)}
        fields: dict[str, Json] = {"agent_identities": {agent: identity}}
        if name not in record.workspaces:
            fields["managed"] = False
        yield RowEdit(Section.WORKSPACES, name, fields)


def unclaimed(record: Record) -> Iterator[NotTaken]:
    """The conversations at the top level that belong to no agent, or to one of several with the same name."""
    for name, identity in record.identities.items():
        known = _namesakes(record, name)
        if identity.session_id and not _is_listed(record, identity.session_id) and len(known) != 1:
            why = f"several agents are called {name}" if known else f"no agent called {name} is recorded"
            yield NotTaken(("agent_identities", name), why)


def _of_agent(record: Record, address: Address, rows: list[SessionRow]) -> IdElsewhere | None:
    known = _known(record, address)
    # If an agent has several rows, the running one has the current conversation.
    rows = sorted(rows, key=lambda row: row.status is not Status.RUNNING)
    own = [row for row in rows if row.session_id_own]
    present = record.identity(address, own[0] if own else rows[0])
    ids = [present.session_id, *(row.session_id_own for row in own), *known.previous, *_by_name(record, address)]
    listed = list(dict.fromkeys(id_ for id_ in ids if id_))
    if not listed or (known.session_id and set(listed) <= {known.session_id, *known.previous}):
        return None
    return IdElsewhere(address, Identity(listed[0], tuple(listed[1:])), tuple(_taken(known, address, own, present)))


def _by_name(record: Record, address: Address) -> Iterator[str]:
    """The conversations under the agent's name at the top level, if only one agent has this name."""
    older = record.identities.get(address.agent) if record.identities else None
    if older and len(_namesakes(record, address.agent)) == 1:
        yield from filter(None, (older.session_id, *older.previous))


def _namesakes(record: Record, name: str) -> set[Address]:
    return {row.address for row in record.sessions.values() if row.agent == name}


def _taken(known: Identity, address: Address, own: list[SessionRow], present: Identity) -> Iterator[Taken]:
    """The assumption about the current conversation; none if the workspace lists it."""
    if known.session_id or not present.session_id:
        return
    if own:
        path: tuple[str, ...] = ("sessions", own[0].session, f"{address.agent}{OWN_ID}")
        yield Taken(OlderShape.ID_ONLY_IN_ROW, path, present.session_id, f"the conversation of {address}")
    else:
        path = ("agent_identities", address.agent, "session_id")
        yield Taken(OlderShape.IDENTITIES_AT_TOP, path, present.session_id, f"the conversation of {address}")


def _known(record: Record, address: Address) -> Identity:
    place = record.workspaces.get(address.workspace)
    return place.identities.get(address.agent, _NOBODY) if place else _NOBODY


def _is_listed(record: Record, id_: str) -> bool:
    return any(id_ == each for each, _ in record.conversations())
