"""The registry file: read it, or refuse it; change rows of it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import cast

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError, RegistryUnreadable
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.record import Json, Origin, Record, RowEdit
from reconciler.ports.world import Files
from reconciler.text.characters import decoded, encoded, newline_of

from .cache import recall, remember
from .placement import Placement, PlacementState, judge_placement
from .rows import VERSION, Fields, TableChange, WrongShape, mapping, merge_edits, record_from, table_changes

_LARGEST = 64 << 20


class Registry(Struct, frozen=True):
    """Where the registry is, the folder where its parsed content is cached, and the door to files.

    `origin_of` tells which folder the registry's is, and on which machine; without it, nothing tells a copy.
    """

    path: str
    cache: str
    files: Files
    origin_of: Callable[[str], Origin] | None = None

    @property
    def folder(self) -> str:
        """The folder that it is in."""
        return os.path.dirname(self.path)


class StoredRegistry(Struct, frozen=True):
    """What the file said when it was read; without a file the record and `digest` are empty."""

    record: Record
    data: Fields
    digest: str = ""
    text: bytes = b""


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
    what it lacks, `new_lineage` among it. Edits that change nothing write nothing. The file that was
    there is kept beside the new one as `.bak`.

    Raises:
        RegistryUnreadable: The file that is there now is broken; it stays as it is.
        Refused: It is a copy of another project's.
        ReconcilerError: The result would be no valid registry, or cannot be written.
    """
    text = _bytes(registry)
    now = before if (text or b"") == before.text else _stored(registry, text or b"")
    changes = table_changes(now.data, edits)
    if not any(change.differs for change in changes.values()):
        return now
    lineage, place = now.record.lineage or new_lineage, placement(registry, now.record)
    if place and place.standing is PlacementState.COPY:
        raise place.refusal
    after = _after(now, changes, lineage, place.present if place else None)
    return _replace(registry, now, after, _text_after(now, after, changes))


def overlaid(stored: StoredRegistry, edits: Sequence[RowEdit]) -> StoredRegistry:
    """The registry as it would be with the edits in it; nothing is written."""
    if not edits:
        return stored
    data = merge_edits(stored.data, edits)
    return replace(stored, record=record_from(data), data=data)


def resettle(registry: Registry, origin: Origin, edits: Sequence[RowEdit]) -> StoredRegistry:
    """Say that the registry lives in `origin` from now on, and lay the edits over it; the caller holds the lock.

    Raises as `commit` does, but for the refusal.
    """
    now = read(registry)
    changes = table_changes(now.data, edits)
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
        head["origin"] = {**mapping(now.data, "origin"), **to_builtins(origin)}
    # What does not change was checked when it was read, and checking is what a large write spends its time on.
    touched: Fields = {name: change.news for name, change in changes.items()}
    _check({**now.data, **touched, **head})
    return {**now.data, **tables, **head}


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
    result = rewritten(whole, now.data, after, changes)
    return encoded(result.replace("\n", newline_of(text)), now.text)


def _replace(registry: Registry, now: StoredRegistry, data: Fields, text: bytes) -> StoredRegistry:
    after = StoredRegistry(record_from(data), data, sha256(text).hexdigest(), text)
    registry.files.make_folder(os.path.dirname(registry.path), 0o700)
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
            raise RegistryUnreadable(f"the registry cannot be read: {unknown.reason}", fix="see that you may read it")


def _stored(registry: Registry, text: bytes) -> StoredRegistry:
    digest = sha256(text).hexdigest()
    kept = recall(registry.cache, digest)
    try:
        data = cast(Fields, kept) if isinstance(kept, dict) else _parsed(text)
        return StoredRegistry(_placed_record(data, text), data, digest, text)
    except RegistryUnreadable as error:
        raise RegistryUnreadable(f"{registry.path}:{error.summary}", fix=_way_out(registry)) from error


def _parsed(text: bytes) -> Fields:
    from .content import content_of  # noqa: PLC0415 - what is in the cache is not parsed

    try:
        return content_of(_lines(decoded(text)))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise RegistryUnreadable(f"{line}: byte {error.start} is not UTF-8") from error


def _placed_record(data: Fields, text: bytes) -> Record:
    try:
        return record_from(data)
    except WrongShape as wrong:
        from .parse import place_of  # noqa: PLC0415 - see `_parsed`

        line, column = place_of(_lines(decoded(text)), wrong.path)
        raise RegistryUnreadable(f"{line}:{column}: {wrong.summary}") from wrong


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _way_out(registry: Registry) -> str:
    backup = _backup(registry)
    match registry.files.read(backup, _LARGEST):
        case Present(text) if _is_good(text):
            return f"correct the file, or go back to the one before: cp {backup} {registry.path}"
        case _:
            return "correct the file"


def _is_good(text: bytes) -> bool:
    try:
        record_from(_parsed(text))
    except RegistryUnreadable:
        return False
    return True


def _backup(registry: Registry) -> str:
    return f"{registry.path}.bak"
