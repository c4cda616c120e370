"""What an older registry lacks to have today's shape, row by row, as sentences for the user. Pure."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.adoption import Assumption, OlderShape
from reconciler.model.diagnostic import Place
from reconciler.model.record import Section

from .assumptions import assumptions
from .elsewhere import IdElsewhere, ids_elsewhere
from .older import Taken
from .registry import StoredRegistry

_TABLES = {str(section): section for section in Section}
_OF_WORKSPACES = {OlderShape.ID_ONLY_IN_ROW, OlderShape.IDENTITIES_AT_TOP}


class Completion(Struct, frozen=True):
    """One row that `complete` would write; without a name, the whole table.

    `how` are sentences, each about one thing that it gets.
    """

    section: Section
    name: str
    how: tuple[str, ...]
    place: Place


def completions(stored: StoredRegistry, file: str) -> tuple[Completion, ...]:
    """What `complete` would do to a registry, which is called `file`; nothing to one in today's shape."""
    rows: dict[tuple[Section, str], list[tuple[str, Place]]] = {}
    taken = stored.older.taken if stored.older else ()
    places: dict[Taken, Place] = {}
    for where, each in zip(taken, assumptions(stored, file), strict=True):
        places[where] = each.place
        if where.path[0] in _TABLES and each.shape not in _OF_WORKSPACES:
            key = (_TABLES[where.path[0]], where.path[1] if len(where.path) > 1 else "")
            rows.setdefault(key, []).append((_how(where.path[2:], each), each.place))
    for found in ids_elsewhere(stored.record):
        place = next((places[each] for each in found.taken if each in places), Place(file))
        rows.setdefault((Section.WORKSPACES, found.address.workspace), []).append((_listed(found), place))
    return tuple(Completion(*key, tuple(how for how, _ in said), said[0][1]) for key, said in rows.items())


def _how(key: tuple[str, ...], assumed: Assumption) -> str:
    what = f"{'.'.join(key)}: " if key else ""
    return f"{what}{assumed.found} -> {assumed.assumed}"


def _listed(found: IdElsewhere) -> str:
    earlier = ", ".join(found.identity.previous)
    more = f", previous {earlier}" if earlier else ""
    return f"agent_identities.{found.address.agent}: session_id {found.identity.session_id}{more}"
