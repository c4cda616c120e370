"""What the registry has to say of agents that get another name or folder, as edits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.adoption_plan import AdoptedAgent
from reconciler.model.record import Json, Record, RowEdit, Section, SessionRow


def registry_edits(agents: Iterable[AdoptedAgent], record: Record) -> tuple[RowEdit, ...]:
    """The edits after which the registry knows each agent by its address, with its conversation and its folder."""
    everyone = list(agents)
    stay = {(agent.address.workspace, agent.address.agent) for agent in everyone}
    edits: list[RowEdit] = []
    for agent in everyone:
        row = record.sessions.get(agent.found.row) if agent.found.row else None
        if row is not None and row.address != agent.address:
            edits += _moved(agent, row, record, leaves=(row.workspace, row.agent) not in stay)
        elif row is not None:
            edits += _folder(agent, record)
        elif agent.found.conversation and not record.identity(agent.address).session_id:
            edits.append(_identity(agent, agent.found.conversation, (), record))
    return tuple(edits)


def _moved(agent: AdoptedAgent, row: SessionRow, record: Record, *, leaves: bool) -> Iterator[RowEdit]:
    """The row and the conversations under the new address; the old one is left to another agent, or goes."""
    name = agent.address.agent
    fields: dict[str, Json] = {
        "workspace": agent.address.workspace,
        "agent": name,
        "type": agent.found.type,
        "role": agent.found.role,
    }
    if row.session_id_own:
        fields[f"{name}_session_id_own"] = row.session_id_own
    known = record.identity(row.address, row) if leaves else None
    session_id = (known.session_id if known else None) or row.session_id_own
    if session_id:
        yield _identity(agent, session_id, known.previous if known else (), record)
    if leaves and (home := record.workspaces.get(row.workspace)) and row.agent in home.identities:
        nobody: dict[str, Json] = {"agent_identities": {row.agent: None}}
        yield RowEdit(Section.WORKSPACES, row.workspace, nobody, purged=True)  # they are under the new name
    yield RowEdit(Section.SESSIONS, row.session, fields, rename_to=agent.session, purged=True)


def _identity(agent: AdoptedAgent, conversation: str, previous: tuple[str, ...], record: Record) -> RowEdit:
    home = record.workspaces.get(agent.address.workspace)
    folder: dict[str, Json] = {} if home and home.path else {"path": agent.found.path}
    identity: dict[str, Json] = {"session_id": conversation, "previous": list(previous)}
    fields = {**folder, "agent_identities": {agent.address.agent: identity}}
    return RowEdit(Section.WORKSPACES, agent.address.workspace, fields)


def _folder(agent: AdoptedAgent, record: Record) -> Iterator[RowEdit]:
    """The workspace's folder, where the registry has none."""
    home = record.workspaces.get(agent.address.workspace)
    lacks_it = not home.path if home else bool(agent.found.conversation)
    if agent.found.path and lacks_it:
        yield RowEdit(Section.WORKSPACES, agent.address.workspace, {"path": agent.found.path})
