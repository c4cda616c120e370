"""Make the registry edits for adopted agents that get another name or folder. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.address import Address
from reconciler.model.adoption_plan import AdoptedAgent
from reconciler.model.record import Json, Record, RowEdit, Section, SessionRow


def registry_edits(agents: Iterable[AdoptedAgent], record: Record) -> tuple[RowEdit, ...]:
    """The edits that store each agent under its address, with its conversation and folder."""
    everyone = list(agents)
    edits: list[RowEdit] = []
    moved: dict[Address, list[AdoptedAgent]] = {}
    for agent in everyone:
        row = record.sessions.get(agent.found.row) if agent.found.row else None
        if row is not None and row.address != agent.address:
            moved.setdefault(row.address, []).append(agent)
            edits += _moved(agent, row, record)
        elif row is not None:
            edits += _named(agent, row)
            edits += _folder(agent, record)
        elif agent.found.conversation and not record.identity(agent.address).session_id:
            edits.append(_identity(agent, agent.found.conversation, (), record))
    return (*edits, *_old_addresses(moved, everyone, record))


def _moved(agent: AdoptedAgent, row: SessionRow, record: Record) -> Iterator[RowEdit]:
    """Move the row and its conversations to the new address."""
    name, held = agent.address.agent, agent.found.conversation
    fields: dict[str, Json] = {
        "workspace": agent.address.workspace,
        "agent": name,
        "type": agent.found.type,
        "role": agent.found.role,
    }
    if row.session_id_own:
        fields[f"{name}_session_id_own"] = row.session_id_own
    known = record.identity(row.address, row)
    if held:
        yield _identity(agent, held, known.previous if known.session_id == held else (), record)
    yield RowEdit(Section.SESSIONS, row.session, fields, rename_to=agent.session)


def _named(agent: AdoptedAgent, row: SessionRow) -> Iterator[RowEdit]:
    """The new name of the agent's type, if a manifest does not allow the recorded one."""
    if row.type != agent.found.type:
        yield RowEdit(Section.SESSIONS, row.session, {"type": agent.found.type})


def _old_addresses(
    moved: Mapping[Address, Sequence[AdoptedAgent]], everyone: Iterable[AdoptedAgent], record: Record
) -> Iterator[RowEdit]:
    """The conversations that stay at the old addresses: all but those of the agents that moved."""
    stay = {agent.address: agent for agent in everyone}
    workspaces = {address.workspace for address in stay}
    for workspace in dict.fromkeys(address.workspace for address in moved):
        old = {address: gone for address, gone in moved.items() if address.workspace == workspace}
        kept = {address.agent: _kept(stay.get(address), gone, record) for address, gone in old.items()}
        emptied = workspace not in workspaces
        yield RowEdit(Section.WORKSPACES, workspace, {"agent_identities": kept}, remove=emptied, purged=True)


def _kept(agent: AdoptedAgent | None, gone: Iterable[AdoptedAgent], record: Record) -> Json:
    """The conversations of the agent that keeps the address; None if no agent keeps it."""
    if agent is None or not agent.found.conversation:
        return None
    taken = {each.found.conversation for each in gone}
    row = record.sessions.get(agent.found.row)
    previous = [each for each in record.identity(agent.address, row).previous if each not in taken]
    return {"session_id": agent.found.conversation, "previous": list(previous)}


def _identity(agent: AdoptedAgent, conversation: str, previous: tuple[str, ...], record: Record) -> RowEdit:
    home = record.workspaces.get(agent.address.workspace)
    folder: dict[str, Json] = {} if home and home.path else {"path": agent.found.path, "managed": True}
    identity: dict[str, Json] = {"session_id": conversation, "previous": list(previous)}
    fields = {**folder, "agent_identities": {agent.address.agent: identity}}
    return RowEdit(Section.WORKSPACES, agent.address.workspace, fields)


def _folder(agent: AdoptedAgent, record: Record) -> Iterator[RowEdit]:
    """The workspace's folder, if the registry does not have it."""
    home = record.workspaces.get(agent.address.workspace)
    lacks_it = not home.path if home else bool(agent.found.conversation)
    if agent.found.path and lacks_it:
        yield RowEdit(Section.WORKSPACES, agent.address.workspace, {"path": agent.found.path, "managed": True})
