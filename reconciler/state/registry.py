"""The registry file: read it, or refuse it; change rows of it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError, RegistryUnreadable
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.record import Json, Origin, Record, RowEdit
from reconciler.ports.world import Files
from reconciler.text.characters import decoded, encoded, newline_of

from .cache import recall, remember
from .placement import Placement, PlacementState, judge_placement
from .rows import (
    VERSION,
    Fields,
    TableChange,
    WrongShape,
    completing_changes,
    mapping,
    merge_edits,
    record_from,
    table_changes,
)

if TYPE_CHECKING:
    from .older import Older
    from .session_names import KnownNames

_LARGEST = 64 << 20


class Registry(Struct, frozen=True):
    """Where the registry is, the folder where its parsed content is cached, and the door to files.

    `origin_of` tells which folder the registry's is, and on which machine; without it, nothing tells a copy.
    `declared` tells the names in the manifests; it is asked only when a session's name has to be understood.
    """

    path: str
    cache: str
    files: Files
    origin_of: Callable[[str], Origin] | None = None
    declared: Callable[[], KnownNames] | None = None

    @property
    def folder(self) -> str:
        """The folder that it is in."""
        return os.path.dirname(self.path)


class StoredRegistry(Struct, frozen=True):
    """What the file said when it was read; without a file the record and `digest` are empty.

    `data` is what it says as it says it. `older` tells how it differs from today's shape, None where it does not.
    """

    record: Record
    data: Fields
    digest: str = ""
    text: bytes = b""
    older: Older | None = None

    @property
    def today(self) -> Fields:
        """The data in today's shape."""
        return self.older.data if self.older else self.data

    @property
    def base(self) -> Fields:
        """The data as the file says it, but with its sessions as a mapping."""
        return self.older.base if self.older else self.data


def read(registry: Registry) -> StoredRegistry:
    """What the registry says now; nothing when there is no file. Writes nothing.

    Raises:
        RegistryUnreadable: It cannot be read or is no registry; says where, and the way out.
    """
    text = _bytes(registry)
    return StoredRegistry(Record(), {}) if text is None else _stored(registry, text)


def commit(registry: Registry, before: StoredRegistry, edits: Sequence[RowEdit], *, new_lineage: str) -> StoredRegistry:
    """Lay the edits over what the file says now, and return that; the caller holds the lock.

    `before` saves parsing a file that is the same still. The serial grows by one, an older file gets
    what it lacks, `new_lineage` among it, and its rows that change get today's shape. Edits that change nothing
    write nothing. The file that was there is kept beside the new one as `.bak`, and the first one of an older shape
    for good, see `completion_copy`.

    Raises:
        RegistryUnreadable: The file that is there now is broken; it stays as it is.
        Refused: It is a copy of another project's.
        ReconcilerError: The result would be no valid registry, or cannot be written.
    """
    now = _now(registry, before)
    changes = table_changes(now.base, edits, now.today)
    if not any(change.differs for change in changes.values()):
        return now
    return _commit(registry, now, changes, new_lineage)


def complete(
    registry: Registry, before: StoredRegistry, edits: Sequence[RowEdit] = (), *, new_lineage: str
) -> StoredRegistry:
    """Give the whole file today's shape, lay the edits over it, and return that; the caller holds the lock.

    What was assumed is written down, and every conversation is listed with its agent. Rows that are left alone
    stay as they are. A file that lacks nothing is not written. The rest is as for `commit`.
    """
    from .elsewhere import missing_ids  # noqa: PLC0415 - done once in the life of a registry

    now = _now(registry, before)
    changes = completing_changes(now.base, [*missing_ids(now.record), *edits], now.today)
    named = now.today.get("agent_identities") != now.data.get("agent_identities")
    headless = bool(now.text) and not (now.record.lineage and "version" in now.data and now.data["version"] == VERSION)
    if not (named or headless or now.base is not now.data or any(change.differs for change in changes.values())):
        return now
    return _commit(registry, now, changes, new_lineage, named="agent_identities" if named else "")


def completion_copy(registry: Registry) -> str:
    """Where the file is kept as it was before it first got today's shape, or rows of it did; never overwritten."""
    return f"{registry.path}.before-completion"


def _now(registry: Registry, before: StoredRegistry) -> StoredRegistry:
    text = _bytes(registry)
    return before if (text or b"") == before.text else _stored(registry, text or b"")


def _commit(
    registry: Registry, now: StoredRegistry, changes: Mapping[str, TableChange], new_lineage: str, named: str = ""
) -> StoredRegistry:
    """Write the changes; `named` is a key at the top that gets today's shape as well."""
    lineage, place = now.record.lineage or new_lineage, placement(registry, now.record)
    if place and place.standing is PlacementState.COPY:
        raise place.refusal
    after = _after(now, changes, lineage, place.present if place else None)
    if named:
        after = {**after, named: now.today[named]}
    return _replace(registry, now, after, _text_after(now, after, changes))


def overlaid(stored: StoredRegistry, edits: Sequence[RowEdit]) -> StoredRegistry:
    """The registry as it would be with the edits in it; nothing is written."""
    if not edits:
        return stored
    data = merge_edits(stored.today, edits)
    return replace(stored, record=record_from(data), data=data, older=None)


def resettle(registry: Registry, origin: Origin, edits: Sequence[RowEdit]) -> StoredRegistry:
    """Say that the registry lives in `origin` from now on, and lay the edits over it; the caller holds the lock.

    Raises as `commit` does, but for the refusal.
    """
    now = read(registry)
    changes = table_changes(now.base, edits, now.today)
    after = _after(now, changes, now.record.lineage, origin)
    return _replace(registry, now, after, _text_after(now, after, changes))


def placement(registry: Registry, record: Record) -> Placement | None:
    """Whether the registry is where it was written; None where nothing tells."""
    if registry.origin_of is None:
        return None
    return judge_placement(
        record.origin, registry.origin_of(registry.folder), partial(_has_lineage, registry, record.lineage)
    )


def _has_lineage(registry: Registry, lineage: str, folder: str) -> Observed[bool]:
    """Whether the registry that this one may be a copy of is there still."""
    try:
        other = read(replace(registry, path=os.path.join(folder, os.path.basename(registry.path))))
    except RegistryUnreadable as error:
        return Unknown(error.summary)
    return Present(other.record.lineage == lineage)


def _after(now: StoredRegistry, changes: Mapping[str, TableChange], lineage: str, origin: Origin | None) -> Fields:
    """The content with the changes in it; raises ReconcilerError when that is no valid registry."""
    tables: Fields = {name: change.after for name, change in changes.items() if change.differs}
    head: dict[str, Json] = {"version": VERSION, "lineage": lineage, "serial": now.record.serial + 1}
    if origin:
        head["origin"] = {**mapping(now.today, "origin"), **to_builtins(origin)}
    # What does not change was checked when it was read, and checking is what a large write spends its time on.
    touched: Fields = {name: change.news for name, change in changes.items()}
    _check({**now.today, **touched, **head})
    return {**now.base, **tables, **head}


def _check(data: Fields) -> None:
    from jsonschema import Draft7Validator  # noqa: PLC0415 - a plan writes nothing and must start fast

    from .schemas import load_schema  # noqa: PLC0415 - as above

    error = next(Draft7Validator(load_schema("registry")).iter_errors(data), None)
    if error is not None:
        where = ".".join(map(str, error.absolute_path))
        raise ReconcilerError(f"the registry would not be valid: {where}: {error.message}")


def _text_after(now: StoredRegistry, after: Fields, changes: Mapping[str, TableChange]) -> bytes:
    from .splice import rewritten  # noqa: PLC0415 - a plan writes nothing and must start fast

    text = decoded(now.text)
    lines = _lines(text)
    whole = lines if lines.endswith("\n") or not lines else lines + "\n"
    if now.base is not now.data:
        from .as_table import listed_as_table  # noqa: PLC0415 - done once in the life of a registry

        whole = listed_as_table(whole, now.data, now.base)
    result = rewritten(whole, now.base, after, changes)
    return encoded(result.replace("\n", newline_of(text)), now.text)


def _replace(registry: Registry, now: StoredRegistry, data: Fields, text: bytes) -> StoredRegistry:
    after = _understood(registry, data, text, sha256(text).hexdigest())
    registry.files.make_folder(os.path.dirname(registry.path), 0o700)
    if now.text and (now.older or not now.record.lineage):
        _keep_original(registry, now.text)
    if now.text:
        registry.files.write(_backup(registry), now.text, 0o600)
    registry.files.write(registry.path, text, 0o600)
    remember(registry.cache, after.digest, data)
    return after


def _bytes(registry: Registry) -> bytes | None:
    match registry.files.read(registry.path, _LARGEST):
        case Present(text) if not text.strip():  # cut off by somebody: conversations would be lost with it
            fix = f"{_way_out(registry)}; to begin anew, delete it"
            raise RegistryUnreadable(f"{registry.path} is empty", fix=fix)
        case Present(text):
            return text
        case Absent():
            return None
        case unknown:
            raise RegistryUnreadable(f"the registry cannot be read: {unknown.reason}", fix="make it readable for you")


def _keep_original(registry: Registry, text: bytes) -> None:
    """Keep a file of an older shape, unless one is kept already."""
    path = completion_copy(registry)
    if isinstance(registry.files.read(path, 1), Absent):
        registry.files.write(path, text, 0o600)


def _stored(registry: Registry, text: bytes) -> StoredRegistry:
    digest = sha256(text).hexdigest()
    kept = recall(registry.cache, digest)
    try:
        data = cast(Fields, kept) if isinstance(kept, dict) else _parsed(text)
        return _understood(registry, data, text, digest)
    except RegistryUnreadable as error:
        first, *more = (f"{registry.path}:{each}" for each in (error.summary, *error.more))
        raise RegistryUnreadable(first, fix=_way_out(registry), more=more) from error


def _understood(registry: Registry, data: Fields, text: bytes, digest: str) -> StoredRegistry:
    """The content as values; an older one is read as one of today. Raises RegistryUnreadable with all damage."""
    try:
        record = record_from(data)
    except WrongShape:
        from .reading import read_older  # noqa: PLC0415 - a good file needs none of it

        record, older = read_older(data, _lines(decoded(text)), registry.declared)
        return StoredRegistry(record, data, digest, text, older)
    if not _may_keep_ids_elsewhere(record):
        return StoredRegistry(record, data, digest, text)
    from .reading import only_ids_elsewhere  # noqa: PLC0415 - as above

    return StoredRegistry(record, data, digest, text, only_ids_elsewhere(data, record))


def _may_keep_ids_elsewhere(record: Record) -> bool:
    return bool(record.identities) or any(row.older and row.session_id_own for row in record.sessions.values())


def _parsed(text: bytes) -> Fields:
    from .content import content_of  # noqa: PLC0415 - what is in the cache is not parsed

    try:
        return content_of(_lines(decoded(text)))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise RegistryUnreadable(f"{line}: byte {error.start} is not UTF-8") from error


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _way_out(registry: Registry) -> str:
    backup = _backup(registry)
    match registry.files.read(backup, _LARGEST):
        case Present(text) if _is_good(registry, text):
            return f"correct the file, or go back to the one before: cp {backup} {registry.path}"
        case _:
            return "correct the file"


def _is_good(registry: Registry, text: bytes) -> bool:
    try:
        _understood(registry, _parsed(text), text, "")
    except RegistryUnreadable:
        return False
    return True


def _backup(registry: Registry) -> str:
    return f"{registry.path}.bak"
