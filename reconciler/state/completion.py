"""Describe to the user how `complete` would bring an older registry into today's form, row by row. Pure."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.adoption import Assumption, OlderShape
from reconciler.model.diagnostic import Place
from reconciler.model.record import Section

from .assumptions import assumptions
from .ids_elsewhere import IdElsewhere, ids_elsewhere
from .older import Taken
from .registry import StoredRegistry

_TABLES = {str(section): section for section in Section}
_OF_WORKSPACES = {OlderShape.ID_ONLY_IN_ROW, OlderShape.IDENTITIES_AT_TOP}


class Completion(Struct, frozen=True):
    """One row that `complete` would write."""

    section: Section
    name: str
    """Name of the row; empty for the whole table."""
    how: tuple[str, ...]
    """One sentence for each change of the row."""
    place: Place


def completions(stored: StoredRegistry, file: str) -> tuple[Completion, ...]:
    """What `complete` would change in a registry; empty for one in today's form. `file` is its name for the user."""
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
