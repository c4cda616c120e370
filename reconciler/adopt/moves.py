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
    left: dict[str, list[str]] = {}
    for agent in everyone:
        row = record.sessions.get(agent.found.row) if agent.found.row else None
        if row is not None and row.address != agent.address:
            leaves = (row.workspace, row.agent) not in stay
            edits += _moved(agent, row, record, leaves=leaves)
            left.setdefault(row.workspace, []).extend([row.agent] if leaves else [])
        elif row is not None:
            edits += _folder(agent, record)
        elif agent.found.conversation and not record.identity(agent.address).session_id:
            edits.append(_identity(agent, agent.found.conversation, (), record))
    names = {workspace for workspace, _ in stay}
    edits += (_without(name, gone, emptied=name not in names) for name, gone in left.items() if gone)
    return tuple(edits)


def _moved(agent: AdoptedAgent, row: SessionRow, record: Record, *, leaves: bool) -> Iterator[RowEdit]:
    """The row and the conversations under the new address; where the old one is another agent's, that one's stay."""
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
    yield RowEdit(Section.SESSIONS, row.session, fields, rename_to=agent.session, purged=True)


def _without(workspace: str, agents: list[str], *, emptied: bool) -> RowEdit:
    """Their conversations are under their new names; a workspace that has no agent any more goes."""
    nobody: dict[str, Json] = {"agent_identities": dict.fromkeys(agents)}
    return RowEdit(Section.WORKSPACES, workspace, nobody, remove=emptied, purged=True)


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
