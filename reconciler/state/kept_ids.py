"""Keep conversation ids that an edit would drop: list them in `previous` of their agent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from reconciler.model.record import Json, RowEdit, Section

Fields: TypeAlias = Mapping[str, Json]
_Agent: TypeAlias = tuple[str, str]
"""A workspace, and the name of an agent in it."""
_Ids: TypeAlias = dict[_Agent, list[str]]

_IDENTITIES = "agent_identities"
_NOTHING: Fields = {}


def keeping_ids(before: Fields, after: dict[str, Json], edits: Sequence[RowEdit]) -> dict[str, Json]:
    """Return `after` with each id that the edits dropped in the `previous` list of its agent, newest first.

    `after` is `before` with the edits. Only an edit with `purged` may drop ids: their conversations were deleted.
    """
    rows, places = _names(edits, Section.SESSIONS), _names(edits, Section.WORKSPACES)
    had, has = _ids(before, rows, places), _ids(after, rows, places)
    purged = {agent for edit in edits if edit.purged for agent in _agents(edit, before)}
    doubtful = {agent for agent, ids in had.items() if agent not in purged and set(ids) - set(has.get(agent, ()))}
    if not doubtful:
        return after
    everywhere = _ids(after, _table(after, Section.SESSIONS), _table(after, Section.WORKSPACES))
    for agent in sorted(doubtful):
        lost = [id_ for id_ in dict.fromkeys(had[agent]) if id_ not in everywhere.get(agent, ())]
        after = _with_previous(after, agent, lost) if lost else after
    return after


def _names(edits: Sequence[RowEdit], section: Section) -> set[str]:
    """The names of the edited rows, old and new."""
    mine = [edit for edit in edits if edit.section is section]
    return {name for edit in mine for name in (edit.name, edit.rename_to) if name}


def _agents(edit: RowEdit, before: Fields) -> Iterator[_Agent]:
    if edit.section is Section.SESSIONS:
        yield from _owner(_fields(_table(before, Section.SESSIONS), edit.name))
    yield from ((edit.name, agent) for agent in _fields(edit.fields, _IDENTITIES))


def _ids(data: Fields, rows: Iterable[str], places: Iterable[str]) -> _Ids:
    """The ids in these rows and workspaces by agent, newest first."""
    found: _Ids = {}
    sessions, workspaces = _table(data, Section.SESSIONS), _table(data, Section.WORKSPACES)
    for name in places:
        identities = _fields(_fields(workspaces, name), _IDENTITIES)
        for agent in identities:
            found.setdefault((name, agent), []).extend(_of_identity(_fields(identities, agent)))
    for name in rows:
        row = _fields(sessions, name)
        for owner in _owner(row):
            found.setdefault(owner, []).extend(_texts(row.get(f"{owner[1]}_session_id_own")))
    return found


def _of_identity(identity: Fields) -> Iterator[str]:
    yield from _texts(identity.get("session_id"))
    previous = identity.get("previous")
    for each in previous if isinstance(previous, list | tuple) else ():
        yield from _texts(each)


def _owner(row: Fields) -> Iterator[_Agent]:
    workspace, agent = row.get("workspace"), row.get("agent")
    if isinstance(workspace, str) and isinstance(agent, str):
        yield workspace, agent


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value


def _with_previous(data: dict[str, Json], agent: _Agent, lost: list[str]) -> dict[str, Json]:
    """Add lost ids to an agent. A workspace that this adds is marked as not in a manifest."""
    name, key = agent
    workspaces = _table(data, Section.WORKSPACES)
    place: Fields = _fields(workspaces, name) if name in workspaces else {"managed": False}
    identities = _fields(place, _IDENTITIES)
    identity = _fields(identities, key)
    held = list(_of_identity(identity))[1 if identity.get("session_id") else 0 :]
    listed: Fields = {"session_id": None, **identity, "previous": [*lost, *held]}
    return {**data, Section.WORKSPACES.value: {**workspaces, name: {**place, _IDENTITIES: {**identities, key: listed}}}}


def _table(data: Fields, section: Section) -> Fields:
    return _fields(data, section.value)


def _fields(data: Fields, key: str) -> Fields:
    value = data.get(key)
    return value if isinstance(value, dict | Mapping) else _NOTHING
