"""Convert a registry of an older tool into today's form, and list everything that was assumed. Pure.

Only a file that `rows.record_from` rejects is read here, so a file in today's form loses no time. The result is data in
today's form; `registry.complete` writes it. If one of our keys has a value of the wrong kind, the value belongs to
another tool: the key counts as missing, and the next write of its row moves the value to `x-KEY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as of_class
from functools import partial
from typing import TypeAlias

from msgspec import Struct, field

from reconciler.agents.catalogue import BUILT_IN
from reconciler.model.adoption import OlderShape
from reconciler.model.desired import DEFAULT_ROLE
from reconciler.model.record import Json, Section
from reconciler.text.quoting import flow

from .kinds_of_keys import (
    BROKER,
    IDENTITY,
    OWN_ID,
    SAFE,
    SESSION,
    WORKSPACE,
    ConvertedValue,
    Keys,
    ValueKind,
    fitted,
    kind_of,
)
from .listed import listed_rows
from .older_status import joined_note, said_status
from .rows import VERSION, Fields, WrongShape, wrong_version
from .session_names import KnownNames, NotDivided, SessionParts, divided

Path: TypeAlias = tuple[str | int, ...]
"""The keys and positions that lead to a value in the file."""

_IDENTITIES = "agent_identities"
_SHOWN = 80  # characters of a value in a message


class Taken(Struct, frozen=True):
    """One assumption."""

    shape: OlderShape
    path: tuple[str, ...]
    """The path of the value in today's form."""
    found: str
    """What the file says there."""
    assumed: str
    """What that was taken for."""


class NotTaken(Struct, frozen=True):
    """A session's row, or a conversation at the top level, that cannot be interpreted, and why."""

    path: tuple[str, ...]
    why: str


class OlderRegistry(Struct, frozen=True):
    """An older registry in today's form, and how it got there."""

    data: Fields
    """The content in today's form."""
    base: Fields
    """The content as in the file, but with the sessions as a mapping."""
    taken: tuple[Taken, ...] = ()
    left: tuple[NotTaken, ...] = ()
    wrong: tuple[WrongShape, ...] = ()
    """What is damaged; if there is anything, nothing may be decided from the file."""
    places: Mapping[str, Path] = field(default_factory=dict)
    """For each session in a list: its path in the file."""

    @property
    def readable(self) -> Fields:
        """The data without the rows that cannot be interpreted."""
        sessions = Section.SESSIONS.value
        gone = {each.path[1] for each in self.left if each.path[0] == sessions}
        if not gone:
            return self.data
        rows = _mapping(self.data.get(sessions))
        return {**self.data, sessions: {name: row for name, row in rows.items() if name not in gone}}

    def in_file(self, path: Path) -> Path:
        """Translate a path in today's form into one in the file, where a listed session has a position."""
        place = self.places.get(str(path[1])) if path[0] == Section.SESSIONS.value and len(path) > 1 else None
        return (*place, *path[2:]) if place else path


def as_today(data: Fields, spelled: Callable[[Path], str], declared: Callable[[], KnownNames] | None) -> OlderRegistry:
    """Convert `data` to today's form, with all assumptions and all damage.

    `spelled` returns how the value at a path is written. `declared` returns the names in the manifests; it is called
    only when the agent must be found from a session's name.
    """
    return _OlderReader(data=data, spelled=spelled, declared=declared).older()


@dataclass(slots=True)
class _OlderReader:
    """Goes through the file once and collects what it finds."""

    data: Fields
    spelled: Callable[[Path], str]
    declared: Callable[[], KnownNames] | None
    taken: list[Taken] = of_class(default_factory=list)
    left: list[NotTaken] = of_class(default_factory=list)
    wrong: list[WrongShape] = of_class(default_factory=list)
    places: dict[str, Path] = of_class(default_factory=dict)
    known: KnownNames | None = None
    names: KnownNames | None = None
    base: Fields = of_class(default_factory=dict)

    def older(self) -> OlderRegistry:
        """Read the whole file, and return the result."""
        if self.data.get("version", VERSION) not in (
            VERSION,
            str(VERSION),
        ):  # a later version gives the keys other meanings
            return OlderRegistry(data=self.data, base=self.data, wrong=(wrong_version(self.data["version"]),))
        rows = self._rows()
        base = self.base = self.data if rows is None else {**self.data, Section.SESSIONS.value: rows}
        result = {**base, **self._head()}
        tables: dict[str, Callable[[Json, Path], Json]] = {
            Section.WORKSPACES.value: partial(self._table, row=self._workspace),
            Section.SESSIONS.value: self._sessions,
            Section.BROKERS.value: partial(self._table, row=self._broker),
            _IDENTITIES: self._identities,
        }
        for name, read in tables.items():
            if base.get(name) is not None:
                result[name] = read(base[name], (name,))
        return OlderRegistry(
            data=result,
            base=base,
            taken=tuple(self.taken),
            left=tuple(self.left),
            wrong=tuple(self.wrong),
            places=self.places,
        )

    # --- the top level ------------------------------------------------------------------------

    def _head(self) -> dict[str, Json]:
        kinds = {"version": ValueKind.NUMBER, "serial": ValueKind.NUMBER, "lineage": ValueKind.TEXT}
        there = {key: kind for key, kind in kinds.items() if self.data.get(key) is not None}
        found: dict[str, Json] = {}
        for key, kind in there.items():
            value = fitted(self.data[key], kind, partial(self._spelled, (key,)))
            if value is None:
                self.wrong.append(WrongShape((key,), _EXPECTED[kind], self.data[key]))
            else:
                found[key] = value.value
                self._assume(value.shape, (key,), self.data[key], _meant(value))
        return found | self._origin()

    def _origin(self) -> dict[str, Json]:
        value = self.data.get("origin")
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {"origin": self._row(value, _ORIGIN, ("origin",))}
        self.wrong.append(WrongShape(("origin",), "a mapping", value))
        return {}

    def _rows(self) -> dict[str, Json] | None:
        """The sessions by name if the file has them as a list; else None."""
        items = self.data.get(Section.SESSIONS.value)
        if not isinstance(items, list | tuple):
            return None
        found = listed_rows(items)
        self.places = {name: (Section.SESSIONS.value, *at) for name, at in found.places.items()}
        self.wrong += found.wrong
        if not found.wrong:
            self.taken.append(Taken(OlderShape.LIST_OF_SESSIONS, ("sessions",), f"a list of {len(items)}", "a mapping"))
        return found.rows

    def _table(self, rows: Json, path: Path, row: Callable[[str, Fields, Path], Json]) -> Json:
        if not isinstance(rows, Mapping):
            self.wrong.append(WrongShape(tuple(map(str, path)), "a mapping", rows))
            return {}
        return {name: self._one(name, rows[name], (*path, name), row) for name in rows}

    def _one(self, name: str, value: Json, path: Path, row: Callable[[str, Fields, Path], Json]) -> Json:
        if value is None or isinstance(value, Mapping):
            return row(name, value or {}, path)
        self._damaged(path, "a mapping", value)
        return {}

    # --- workspaces, brokers, identities ------------------------------------------------------

    def _workspace(self, _name: str, row: Fields, path: Path) -> Json:
        result = self._row(row, WORKSPACE, path)
        held = row.get(_IDENTITIES)
        if held is not None:
            result[_IDENTITIES] = self._identities(held, (*path, _IDENTITIES))
        return result

    def _identities(self, held: Json, path: Path) -> Json:
        return self._table_of_identities(held, path) if isinstance(held, Mapping) else self._table(held, path, _nothing)

    def _table_of_identities(self, held: Fields, path: Path) -> Json:
        return {name: self._identity(value, (*path, name)) for name, value in held.items()}

    def _identity(self, value: Json, path: Path) -> Json:
        if value is None:
            return None
        if isinstance(value, str | int) and not isinstance(value, bool):
            id_ = value if isinstance(value, str) else self._spelled(path) or str(value)
            self._assume(OlderShape.ID_AS_TEXT, path, value, f"session_id {id_}")
            return {"session_id": id_}
        if isinstance(value, Mapping):
            return self._row(self._with_listed(value, path), IDENTITY, path)
        self._damaged(path, "a mapping", value)
        return {}

    def _with_listed(self, identity: Fields, path: Path) -> Fields:
        """The identity with `previous` as a list, if it is a single string."""
        previous = identity.get("previous")
        if not isinstance(previous, str):
            return identity
        self._assume(OlderShape.ID_AS_TEXT, (*path, "previous"), previous, "a list of one")
        return {**identity, "previous": [previous] if previous else []}

    def _broker(self, _name: str, row: Fields, path: Path) -> Json:
        result = self._row(row, BROKER, path)
        if not result.get("dir"):
            self._damaged((*path, "dir"), "filled in", row.get("dir"))
        return result

    # --- sessions -----------------------------------------------------------------------------

    def _sessions(self, rows: Json, path: Path) -> Json:
        """Read the rows. Rows that could not be interpreted are tried again with the names learned from the others."""
        result = self._table(rows, path, self._session)
        if not isinstance(rows, Mapping) or not isinstance(result, dict):
            return result
        left: list[NotTaken] = []
        while self.left != left:
            left, self.left = self.left, []
            self.known = _recorded({**self.base, Section.SESSIONS.value: result}, self._names())
            result |= {
                each.path[1]: self._one(each.path[1], rows[each.path[1]], each.path, self._session) for each in left
            }
        return result

    def _session(self, name: str, row: Fields, path: Path) -> Json:
        """The row in today's form; unchanged if its name does not say which agent it belongs to."""
        found = len(self.taken), len(self.wrong)
        result = self._row(row, SESSION, path)
        result |= self._status(result, path)
        try:
            return {**result, **self._parts(name, result, path)}
        except NotDivided as error:
            del self.taken[found[0] :], self.wrong[found[1] :]
            self.left.append(NotTaken((Section.SESSIONS.value, name), str(error)))
            return dict(row)

    def _parts(self, name: str, row: Fields, path: Path) -> dict[str, Json]:
        """The workspace, role and agent from the session's name, as far as the row does not have them."""
        given = SessionParts(*(str(row.get(key) or "") for key in ("workspace", "role", "agent", "type")))
        if given.workspace and given.agent:
            return {}
        parts = divided(name, given, self._known())
        kind = parts.type or self._type(parts.agent, row)
        found = {"workspace": parts.workspace, "role": parts.role, "agent": parts.agent}
        if kind != parts.agent:
            found["type"] = kind
        news = {key: value for key, value in found.items() if row.get(key) != value}
        self._assume(OlderShape.NAME_ONLY, path, name, ", ".join(f"{key} {value}" for key, value in news.items()))
        return {**news, **_own_id(parts.agent, kind, row)}

    def _type(self, agent: str, row: Fields) -> str:
        """The agent type: the agent's name if that is a type, else from a conversation's key, else from the process."""
        known = self._known().types
        if agent in known:
            return agent
        pane = _mapping(row.get("pane"))
        told = [key.removesuffix(OWN_ID) for key in row if key.endswith(OWN_ID) and row[key]]
        return next((word for word in (*told, str(pane.get("cmd") or "")) if word in known), agent)

    def _status(self, row: Fields, path: Path) -> dict[str, Json]:
        said = said_status(row)
        if said is None:
            self._damaged((*path, "status"), "one of running, stopped, terminated, archived", row.get("status"))
            return {}
        for key, shape, assumed in said.assumed:
            there = key in row
            self._assume(shape, (*path, key) if there else path, row.get(key), assumed)
        found: dict[str, Json] = {"status": said.status.value}
        if said.visible:
            found["last_visible_status"] = said.visible.value
        note = str(row.get("last_visible_note") or "")
        return {**found, "last_visible_note": joined_note(note, said.notes)} if said.notes else found

    def _known(self) -> KnownNames:
        if self.known is None:
            self.known = _recorded(self.base, self._names())
        return self.known

    def _names(self) -> KnownNames:
        """The names in the manifests."""
        if self.names is None:
            self.names = self.declared() if self.declared else KnownNames()
        return self.names

    # --- keys ---------------------------------------------------------------------------------

    def _row(self, row: Fields, keys: Keys, path: Path) -> dict[str, Json]:
        """Convert the values of our keys; values of other tools under our keys move to `x-KEY`."""
        result: dict[str, Json] = {}
        for key, value in row.items():
            kind = None if value is None else kind_of(key, keys)
            result |= {key: value} if kind is None else self._value(key, row, kind, (*path, key))
        return result

    def _value(self, key: str, row: Fields, kind: ValueKind | Keys, path: Path) -> dict[str, Json]:
        value = row[key]
        if isinstance(kind, ValueKind):
            found = fitted(value, kind, partial(self._spelled, path))
            if found:
                self._assume(found.shape, path, value, _meant(found))
                return {key: found.value}
        elif isinstance(value, Mapping):
            return {key: self._row(value, kind, path)}
        aside = _aside(key, row)
        counts = {key: SAFE[key]} if key in SAFE else {}
        meaning = f"{str(SAFE[key]).lower()}, to be safe" if counts else f"another tool's: it moves to {aside}"
        self._assume(OlderShape.FOREIGN_KEY, path, value, meaning)
        return {**counts, aside: value}

    def _spelled(self, path: Path, *below: str | int) -> str:
        return self.spelled(self._in_file((*path, *below)))

    def _in_file(self, path: Path) -> Path:
        return OlderRegistry(data=self.data, base=self.data, places=self.places).in_file(path)

    def _assume(self, shape: OlderShape | None, path: Path, found: Json, assumed: str) -> None:
        if shape:
            said = "nothing" if found is None else _shown(found)
            if shape in {OlderShape.NUMBER_AS_TEXT, OlderShape.FLAG_AS_TEXT}:
                said = f'"{said}"'
            self.taken.append(Taken(shape, tuple(map(str, path)), said, _shown(assumed)))

    def _damaged(self, path: Path, expected: str, value: Json) -> None:
        self.wrong.append(WrongShape(tuple(map(str, path)), expected, value, at=self._in_file(path)))


_ORIGIN: Keys = {
    **dict.fromkeys(("machine", "host", "folder"), ValueKind.TEXT),
    **dict.fromkeys(("device", "inode"), ValueKind.NUMBER),
}
_EXPECTED = {ValueKind.NUMBER: "a whole number, 0 or more", ValueKind.TEXT: "text (write it in quotes)"}


def _own_id(agent: str, kind: str, row: Fields) -> dict[str, Json]:
    """The conversation of an agent with another name than its type, if only the key with the type has it."""
    own, other = f"{agent}{OWN_ID}", f"{kind}{OWN_ID}"
    return {own: row[other]} if agent != kind and row.get(other) and not row.get(own) else {}


def _nothing(_name: str, _row: Fields, _path: Path) -> Json:
    return {}


def _meant(found: ConvertedValue) -> str:
    if isinstance(found.value, Mapping | list | tuple):
        return "texts"
    words = {OlderShape.NUMBER_AS_TEXT: "the number", OlderShape.FLAG_AS_TEXT: "the flag"}
    kind = words.get(found.shape or OlderShape.TEXT_AS_NUMBER, "the text")
    return f"{kind} {_shown(found.value)}"


def _aside(key: str, row: Fields) -> str:
    """The key for a value of another tool: `x-KEY`, with a number if that is taken."""
    name, number = f"x-{key}", 2
    while name in row:
        name, number = f"x-{key}-{number}", number + 1
    return name


def _shown(value: Json) -> str:
    """The value on one line. The inside of a mapping or list is not shown, because it may have secrets."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    line = " ".join((value if isinstance(value, str) else flow(value)).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _recorded(data: Fields, declared: KnownNames) -> KnownNames:
    """The names that the registry and the manifests know."""
    rows = [_mapping(row) for row in _mapping(data.get(Section.SESSIONS.value)).values()]
    return KnownNames(
        frozenset({*declared.workspaces, *_mapping(data.get(Section.WORKSPACES.value)), *_words(rows, "workspace")}),
        frozenset({*declared.roles, DEFAULT_ROLE, *_words(rows, "role")}),
        frozenset({*declared.types, *BUILT_IN, *_words(rows, "type")}),
        declared.sessions,
    )


def _words(rows: list[Fields], key: str) -> Iterator[str]:
    for row in rows:
        word = row.get(key)
        if isinstance(word, str) and word:
            yield word


def _mapping(value: Json) -> Fields:
    return value if isinstance(value, Mapping) else {}
