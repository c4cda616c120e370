"""Turn the registry's plain data into a Record, and apply edits to the data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar, cast

from msgspec import Struct, ValidationError, convert

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import (
    BrokerRow,
    Identity,
    Json,
    Origin,
    PaneRow,
    Record,
    RowEdit,
    Section,
    ServerRow,
    SessionRow,
    StartedWith,
    Status,
    WorkspaceRow,
)

from .kept_ids import keeping_ids

VERSION = 1
NEEDED = frozenset(
    {"workspace", "agent", "status", "dir"}
)  # a row of a session or broker is not valid without these keys

Fields: TypeAlias = Mapping[str, Json]
T = TypeVar("T")

_STATUSES = {str(status): status for status in Status}


class WrongShape(RegistryUnreadable):
    """A value has the wrong form; `path` has the keys that lead to it.

    `at` is its path in the file, if that differs.
    """

    def __init__(
        self, path: tuple[str, ...], expected: str, value: Json, at: tuple[str | int, ...] | None = None
    ) -> None:
        super().__init__(
            f"{'.'.join(path)} must be {expected}, not {_shown(value)}",
            fix="correct the value in the registry",
        )
        self.path = path
        self.at = at or path
        self._expected = expected
        self._value = value

    def under(self, key: str) -> WrongShape:
        """The same mistake with a path from one level higher."""
        return WrongShape((key, *self.path), self._expected, self._value)


class NewerRegistry(WrongShape):
    """The registry was written by a newer reconciler, which may give its keys other meanings."""

    def __init__(self, version: int) -> None:
        super().__init__(("version",), str(VERSION), version)
        self.summary = f"a newer reconciler wrote this registry: it has version {version}, and this one reads {VERSION}"
        self.fix = "update reconciler; it does not touch a registry that it cannot read"


def wrong_version(found: Json) -> WrongShape:
    """What is wrong with the version of a registry that is not today's."""
    is_newer = type(found) is int and found > VERSION
    return NewerRegistry(cast("int", found)) if is_newer else WrongShape(("version",), str(VERSION), found)


def record_from(data: Fields) -> Record:
    """Turn the registry's content into values; version, lineage and serial may be missing, as in older files.

    Ignores unknown keys. Raises WrongShape, which is a RegistryUnreadable.
    """
    if data.get("version", VERSION) != VERSION:
        raise wrong_version(data["version"])
    return Record(
        lineage=_text(data, "lineage"),
        serial=_number(data, "serial"),
        origin=_read(data, "origin", _origin) if data.get("origin") is not None else None,
        workspaces=_read(data, "workspaces", partial(_table, row=_workspace)),
        sessions=_read(data, "sessions", partial(_table, row=_session)),
        brokers=_read(data, "brokers", partial(_table, row=_broker)),
        identities=_read(data, "agent_identities", partial(_table, row=_identity)),
    )


def merge_edits(data: Fields, edits: Sequence[RowEdit]) -> dict[str, Json]:
    """Return a copy of `data` with the edits applied in order; `data` is not changed.

    A renamed row keeps its position, and replaces a row that already has the new name. A new row is added at the end.
    No conversation id is dropped: see `keeping_ids`.
    """
    result = dict(data)
    for edit in edits:
        result[str(edit.section)] = edit_row(mapping(result, edit.section), edit)
    return keeping_ids(data, result, edits)


def edit_row(rows: Fields, edit: RowEdit) -> dict[str, Json]:
    """Return a copy of one table with one edit applied."""
    if edit.remove:
        return {name: row for name, row in rows.items() if name != edit.name}
    name = edit.rename_to or edit.name
    result = _moved(rows, edit.name, name)
    result[name] = laid_over(mapping(result, name), edit.fields)
    return result


def laid_over(row: Fields, fields: Fields) -> dict[str, Json]:
    """Return a copy of `row` with `fields`: mappings are merged key by key, other values replaced.

    `spec` is replaced as a whole, so that no old argument or variable stays in it.
    """
    result = dict(row)
    for key, value in fields.items():
        if isinstance(value, Mapping) and key != "spec":
            before = result.get(key)
            result[key] = laid_over(before if isinstance(before, Mapping) else {}, value)
        else:
            result[key] = list(value) if isinstance(value, tuple) else value
    return result


class TableChange(Struct, frozen=True):
    """One table before and after its edits."""

    before: Fields
    after: Fields
    names: Mapping[str, str]
    """The old name of each row by its new name. Added rows have no entry; removed rows are not among the values."""

    @property
    def differs(self) -> bool:
        """Whether the edits change the table."""
        return self.before != self.after

    @property
    def touched(self) -> list[str]:
        """The rows that are new or changed, by their new names."""
        return [*self.changed, *self.new]

    @property
    def new(self) -> list[str]:
        """The added rows."""
        return [name for name in self.after if name not in self.names]

    @property
    def gone(self) -> list[str]:
        """The removed rows, by their old names."""
        return list(self.before.keys() - set(self.names.values()))

    @property
    def changed(self) -> list[str]:
        """The rows with another content or name, by their new names."""
        return [
            name for name, before in self.names.items() if name != before or self.after[name] != self.before[before]
        ]

    @property
    def news(self) -> dict[str, Json]:
        """The touched rows with only their changed fields, and the fields that no row may lack."""
        return {name: self._news(name) for name in self.touched}

    def _news(self, name: str) -> dict[str, Json]:
        before, after = mapping(self.before, self.names.get(name, "")), mapping(self.after, name)
        return {key: v for key, v in after.items() if key in NEEDED or key not in before or before[key] != v}

    def only(self, name: str) -> TableChange:
        """The part of the change that is about the row now called `name`."""
        before = self.names[name]
        return TableChange({before: self.before[before]}, {name: self.after[name]}, {name: before})


def table_changes(before: Fields, edits: Sequence[RowEdit], today: Fields | None = None) -> dict[str, TableChange]:
    """The change that the edits make to each table of `before`.

    `today` is the same content in today's form, if `before` is older: edited rows get that form, other rows stay.
    """
    if today is None or today is before:
        return completing_changes(before, edits, before)
    changes = completing_changes(before, edits, today)
    return {table: _only_touched(change, mapping(today, table)) for table, change in changes.items()}


def completing_changes(before: Fields, edits: Sequence[RowEdit], today: Fields) -> dict[str, TableChange]:
    """The change when every row gets today's form, edited or not."""
    after = merge_edits(today, edits)
    return {
        str(table): TableChange(
            before=mapping(before, table),
            after=mapping(after, table),
            names=_names_before(mapping(before, table), [edit for edit in edits if edit.section is table]),
        )
        for table in Section
    }


def _only_touched(change: TableChange, today: Fields) -> TableChange:
    """The change without the rows whose form alone would change."""
    names = change.names
    same = {name for name, row in change.after.items() if names.get(name) == name and row == today[name]}
    after = {name: change.before[name] if name in same else row for name, row in change.after.items()}
    return TableChange(before=change.before, after=after, names=names)


def _names_before(rows: Fields, edits: Sequence[RowEdit]) -> dict[str, str]:
    names = {name: name for name in rows}
    for edit in edits:
        before = names.pop(edit.name, None) if edit.remove or edit.rename_to else None
        if before is not None and not edit.remove:
            names[edit.rename_to] = before
    return names


def _moved(rows: Fields, before: str, after: str) -> dict[str, Json]:
    if before == after or before not in rows:
        return dict(rows)
    return {after if name == before else name: row for name, row in rows.items() if name != after}


def _table(rows: Fields, row: Callable[[str, Fields], T]) -> dict[str, T]:
    return {name: _read(rows, name, partial(row, name)) for name in rows}


def _workspace(name: str, row: Fields) -> WorkspaceRow:
    git = mapping(row, "git")
    return WorkspaceRow(
        name=name,
        path=_text(row, "path"),
        created=_flag(row, "created", absent=False),
        git_repo=_text(git, "repo"),
        git_branch=_text(git, "branch"),
        managed=_flag(row, "managed", absent=True),
        identities=_read(row, "agent_identities", partial(_table, row=_identity)),
    )


def _identity(_agent: str, row: Fields) -> Identity:
    return Identity(session_id=_text(row, "session_id") or None, previous=_texts(row, "previous"))


def _session(name: str, row: Fields) -> SessionRow:
    agent = _needed(row, "agent")
    if row.get("last_visible_status") is not None:
        _status(row, "last_visible_status")
    return SessionRow(
        session=name,
        workspace=_needed(row, "workspace"),
        agent=agent,
        type=_text(row, "type") or agent,
        role=_text(row, "role"),
        status=_status(row, "status"),
        note=_text(row, "last_visible_note"),
        session_id_own=_text(row, f"{agent}_session_id_own") or None,
        resumable=_flag(row, "resumable", absent=False),
        pane=_part(row, "pane", PaneRow, _pane),
        server=_part(row, "server", ServerRow, _server),
        started_with=_part(row, "spec", StartedWith, _started_with),
        spec_digest=_text(row, "spec_digest"),
        managed=_flag(row, "managed", absent=True),
        older="spec" not in row,
        protect=_flag(row, "protect", absent=False),
        depends_on=_texts(row, "depends_on"),
        created_at=_text(row, "created_at"),
        updated_at=_text(row, "updated_at"),
        terminated_at=_text(row, "terminated_at"),
        termination_mode=_text(row, "termination_mode"),
        stopped_reason=_text(row, "stopped_reason"),
    )


def _broker(name: str, row: Fields) -> BrokerRow:
    return BrokerRow(
        name=name,
        directory=_needed(row, "dir"),
        target=_text(row, "target") or "process",
        managed=_flag(row, "managed", absent=True),
    )


def _part(row: Fields, key: str, kind: type[T], read: Callable[[Fields], T]) -> T | None:
    """The value at `key`; None when there is none.

    One with the keys and types of `kind`, as we write it, is made without a look at each key. `read` takes all others.
    """
    value = row.get(key)
    if value is None:
        return None
    try:
        return convert(value, kind)
    except ValidationError:
        return _read(row, key, read)


def _pane(row: Fields) -> PaneRow:
    return PaneRow(_text(row, "id"), _number(row, "pid"), _text(row, "cmd"), _text(row, "cwd"), _number(row, "started"))


def _origin(row: Fields) -> Origin:
    words = (_text(row, "machine"), _text(row, "host"), _text(row, "folder"))
    return Origin(*words, _number(row, "device"), _number(row, "inode"))


def _server(row: Fields) -> ServerRow:
    head = (_text(row, "socket"), _number(row, "pid"), _text(row, "started"))
    return ServerRow(*head, _text(row, "path"), _number(row, "ticks"), _text(row, "boot"), _text(row, "namespace"))


def _started_with(row: Fields) -> StartedWith:
    return StartedWith(
        type=_text(row, "type"),
        command=_texts(row, "command"),
        args=_texts(row, "args"),
        env=_read(row, "env", _variables),
        cwd=_text(row, "cwd"),
        wrap=_texts(row, "wrap"),
        path=_texts(row, "path"),
    )


def _variables(env: Fields) -> dict[str, str]:
    return {name: _text(env, name) for name in env if env[name] is not None}


def _read(fields: Fields, key: str, read: Callable[[Fields], T]) -> T:
    inner = mapping(fields, key)
    try:
        return read(inner)
    except WrongShape as wrong:
        raise wrong.under(key) from None


def mapping(fields: Fields, key: str) -> Fields:
    """The mapping at `key`, empty when missing. Raises WrongShape when the value is not a mapping."""
    value = fields.get(key)
    if isinstance(value, dict | Mapping):  # dict first: isinstance with the abstract class is slow
        return value
    if value is None:
        return {}
    raise WrongShape((key,), "a mapping", value)


def _text(fields: Fields, key: str) -> str:
    value = fields.get(key)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise WrongShape((key,), "text (write it in quotes)", value)


def _needed(fields: Fields, key: str) -> str:
    return _text(fields, key) or _missing(key, fields.get(key))


def _missing(key: str, value: Json) -> str:
    raise WrongShape((key,), "filled in", value)


def _texts(fields: Fields, key: str) -> tuple[str, ...]:
    value = fields.get(key)
    if value is None:
        return ()
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise WrongShape((key,), "a list of texts", value)


def _number(fields: Fields, key: str) -> int:
    value = fields.get(key)
    if value is None:
        return 0
    if type(value) is int and value >= 0:
        return value
    raise WrongShape((key,), "a whole number, 0 or more", value)


def _flag(fields: Fields, key: str, *, absent: bool) -> bool:
    value = fields.get(key)
    if value is None:
        return absent
    if isinstance(value, bool):
        return value
    raise WrongShape((key,), "true or false", value)


def _status(fields: Fields, key: str) -> Status:
    value = fields.get(key)
    if isinstance(value, str) and value in _STATUSES:
        return _STATUSES[value]
    raise WrongShape((key,), f"one of {', '.join(_STATUSES)}", value)


def _shown(value: Json) -> str:
    return "empty" if value is None or value == "" else repr(value)[:60]
