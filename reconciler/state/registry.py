"""Read the registry file or reject it, and change single rows of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.record import Json, Origin, Record, RowEdit
from reconciler.ports.world import Files
from reconciler.text.characters import decoded

from .cache import recall, remember
from .placement import Placement, PlacementState, judge_placement
from .rows import (
    VERSION,
    Fields,
    NewerRegistry,
    TableChange,
    WrongShape,
    completing_changes,
    mapping,
    merge_edits,
    record_from,
    table_changes,
)

if TYPE_CHECKING:
    from .older import OlderRegistry
    from .session_names import KnownNames

_LARGEST = 64 << 20


class Registry(Struct, frozen=True):
    """Where the registry is, and what is needed to read and write it."""

    path: str
    cache: str
    """The folder that caches its parsed content."""
    files: Files
    origin_of: Callable[[str], Origin] | None = None
    """Returns the identity of a folder and its machine; without it, copies are not detected."""
    declared: Callable[[], KnownNames] | None = None
    """Returns the names in the manifests; called only to find the agent in an older session's name."""

    @property
    def folder(self) -> str:
        """The folder of the registry."""
        return os.path.dirname(self.path)


class StoredRegistry(Struct, frozen=True):
    """The content of the registry file when it was read; empty without a file."""

    record: Record
    data: Fields
    """The parsed content as it is in the file."""
    digest: str = ""
    """SHA-256 of `text`."""
    text: bytes = b""
    older: OlderRegistry | None = None
    """How the file differs from today's form; None when it does not."""

    @property
    def today(self) -> Fields:
        """The data in today's form."""
        return self.older.data if self.older else self.data

    @property
    def base(self) -> Fields:
        """The data as in the file, but with the sessions as a mapping."""
        return self.older.base if self.older else self.data


def read(registry: Registry) -> StoredRegistry:
    """Read the registry; empty when there is no file. Writes nothing.

    Raises:
        RegistryUnreadable: It cannot be read, or is not a registry; the message says where and what to do.
    """
    text = _bytes(registry)
    return StoredRegistry(Record(), {}) if text is None else _stored(registry, text)


def commit(registry: Registry, before: StoredRegistry, edits: Sequence[RowEdit], *, new_lineage: str) -> StoredRegistry:
    """Apply the edits to the file as it is now, and return the result; the caller must hold the lock.

    `before` saves parsing a file that has not changed. The serial grows by one. An older file gets the missing head,
    with `new_lineage`, and its edited rows get today's form. If the edits change nothing, nothing is written. The
    old file stays as `.bak`, and the first one in an older form stays for good: see `completion_copy`.

    Raises:
        RegistryUnreadable: The file as it is now is broken; it is unchanged.
        Refused: The registry is a copy of another project's.
        ReconcilerError: The result would not be a valid registry, or cannot be written.
    """
    now = _now(registry, before)
    changes = table_changes(now.base, edits, now.today)
    if not any(change.differs for change in changes.values()):
        return now
    return _commit(registry, now, changes, new_lineage)


def complete(
    registry: Registry, before: StoredRegistry, edits: Sequence[RowEdit] = (), *, new_lineage: str
) -> StoredRegistry:
    """Bring the whole file into today's form with the edits, and return the result; the caller must hold the lock.

    This writes the assumed values, and lists each conversation with its agent. Rows that cannot be interpreted stay as
    they are. If nothing changes, nothing is written. Everything else is as for `commit`.
    """
    from .ids_elsewhere import missing_ids  # noqa: PLC0415 - done once in the life of a registry

    now = _now(registry, before)
    changes = completing_changes(now.base, [*missing_ids(now.record), *edits], now.today)
    named = now.today.get("agent_identities") != now.data.get("agent_identities")
    headless = bool(now.text) and not (now.record.lineage and "version" in now.data and now.data["version"] == VERSION)
    if not (named or headless or now.base is not now.data or any(change.differs for change in changes.values())):
        return now
    return _commit(registry, now, changes, new_lineage, named="agent_identities" if named else "")


def completion_copy(registry: Registry) -> str:
    """The path of the copy from before the file, or a row of it, first got today's form; never overwritten."""
    return f"{registry.path}.before-completion"


def _now(registry: Registry, before: StoredRegistry) -> StoredRegistry:
    text = _bytes(registry)
    return before if (text or b"") == before.text else _stored(registry, text or b"")


def _commit(
    registry: Registry, now: StoredRegistry, changes: Mapping[str, TableChange], new_lineage: str, named: str = ""
) -> StoredRegistry:
    """Write the changes; `named` is a top-level key that also gets today's form."""
    lineage, place = now.record.lineage or new_lineage, placement(registry, now.record)
    if place and place.state is PlacementState.COPY:
        raise place.refusal
    after = _after(now, changes, lineage, place.present if place else None)
    if named:
        after = {**after, named: now.today[named]}
    return _replace(registry, now, after, changes)


def overlaid(stored: StoredRegistry, edits: Sequence[RowEdit]) -> StoredRegistry:
    """Return the registry as it would be with the edits. Writes nothing."""
    if not edits:
        return stored
    data = merge_edits(stored.today, edits)
    return replace(stored, record=record_from(data), data=data, older=None)


def resettle(registry: Registry, origin: Origin, edits: Sequence[RowEdit], lineage: str = "") -> StoredRegistry:
    """Record `origin` as the registry's place, and apply the edits; the caller must hold the lock.

    `lineage` replaces the registry's own one.

    Raises what `commit` raises, except Refused.
    """
    now = read(registry)
    changes = table_changes(now.base, edits, now.today)
    after = _after(now, changes, lineage or now.record.lineage, origin)
    return _replace(registry, now, after, changes)


def placement(registry: Registry, record: Record) -> Placement | None:
    """Whether the registry is where it was written; None when that cannot be checked."""
    if registry.origin_of is None:
        return None
    return judge_placement(
        record.origin, registry.origin_of(registry.folder), partial(_has_lineage, registry, record.lineage)
    )


def _has_lineage(registry: Registry, lineage: str, folder: str) -> Observed[bool]:
    """Whether `folder` still has a registry with this lineage, so that ours may be a copy of it."""
    try:
        other = read(replace(registry, path=os.path.join(folder, os.path.basename(registry.path))))
    except RegistryUnreadable as error:
        return Unknown(error.summary)
    return Present(other.record.lineage == lineage)


def _after(now: StoredRegistry, changes: Mapping[str, TableChange], lineage: str, origin: Origin | None) -> Fields:
    """The content with the changes. Raises ReconcilerError when it would not be a valid registry."""
    tables: Fields = {name: change.after for name, change in changes.items() if change.differs}
    head: dict[str, Json] = {"version": VERSION, "lineage": lineage, "serial": now.record.serial + 1}
    if origin:
        head["origin"] = {**mapping(now.today, "origin"), **to_builtins(origin)}
    # Only changes are checked: the rest was checked when it was read, and checking takes most of the time of a write.
    touched: Fields = {name: change.news for name, change in changes.items()}
    from .written import expect_valid  # noqa: PLC0415 - a plan writes nothing and must start fast

    expect_valid({**now.today, **touched, **head})
    return {**now.base, **tables, **head}


def _replace(
    registry: Registry, now: StoredRegistry, data: Fields, changes: Mapping[str, TableChange]
) -> StoredRegistry:
    from .written import text_after  # noqa: PLC0415 - a plan writes nothing and must start fast

    listed = now.data if now.base is not now.data else None
    text = text_after(now.text, listed, now.base, data, changes)
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
        case Present(text) if not text.strip():  # an empty file is damage: to accept it would lose all conversations
            fix = f"{_way_out(registry)}; to start with an empty registry, delete it"
            raise RegistryUnreadable(f"{registry.path} is empty", fix=fix)
        case Present(text):
            return text
        case Absent():
            return None
        case unknown:
            raise RegistryUnreadable(f"the registry cannot be read: {unknown.reason}", fix="make it readable for you")


def _keep_original(registry: Registry, text: bytes) -> None:
    """Store the file in its older form, unless a copy exists already."""
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
        fix = error.fix if isinstance(error.__cause__, NewerRegistry) else _way_out(registry)
        raise RegistryUnreadable(first, fix=fix, more=more) from error


def _understood(registry: Registry, data: Fields, text: bytes, digest: str) -> StoredRegistry:
    """Turn the content into values, also from an older form. Raises RegistryUnreadable with all damage."""
    record = _record_of_today(data)
    if record is not None:
        return StoredRegistry(record, data, digest, text)
    from .reading import understood  # noqa: PLC0415 - a good file needs none of it

    recorded, older = understood(data, _lines(decoded(text)), registry.declared)
    return StoredRegistry(recorded, data, digest, text, older)


def _record_of_today(data: Fields) -> Record | None:
    """The record; None when the file, or a part of it, may have an older form."""
    try:
        record = record_from(data)
    except WrongShape:
        return None
    older = bool(record.identities) or any(row.older and row.session_id_own for row in record.sessions.values())
    return None if older else record


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
            return f"correct the file, or restore the previous one: cp {backup} {registry.path}"
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
