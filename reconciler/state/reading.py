"""Read a registry in an older form as values, with everything that was assumed. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import Record

from .ids_elsewhere import ids_elsewhere, unclaimed
from .older import OlderRegistry, as_today
from .places import Places
from .rows import Fields, NewerRegistry, WrongShape, record_from
from .session_names import KnownNames


def understood(
    data: Fields, text: str, declared: Callable[[], KnownNames] | None
) -> tuple[Record, OlderRegistry | None]:
    """The record in a registry, and how its form differs from today's; None when it does not.

    Raises as `read_older`.
    """
    try:
        record = record_from(data)
    except WrongShape:
        return read_older(data, text, declared)
    return record, only_ids_elsewhere(data, record)


def read_older(data: Fields, text: str, declared: Callable[[], KnownNames] | None) -> tuple[Record, OlderRegistry]:
    """Return the record in an older registry, and how its form differs. `data` is the content of `text`.

    Raises:
        RegistryUnreadable: Something is damaged; the message lists everything, with line and column.
    """
    places = Places(text)
    older = as_today(data, places.spelling, declared)
    _refuse(older.wrong, places)
    try:
        record = record_from(older.readable)
    except WrongShape as wrong:
        _refuse((wrong,), places)
        raise
    return record, _with_ids(older, record)


def only_ids_elsewhere(data: Fields, record: Record) -> OlderRegistry | None:
    """Check a registry with rows in today's form for conversations in older places; None when there are none."""
    older = _with_ids(OlderRegistry(data=data, base=data), record)
    return older if older.taken or older.left else None


def _with_ids(older: OlderRegistry, record: Record) -> OlderRegistry:
    taken = (taken for each in ids_elsewhere(record) for taken in each.taken)
    return replace(older, taken=(*older.taken, *taken), left=(*older.left, *unclaimed(record)))


def _refuse(wrong: tuple[WrongShape, ...], places: Places) -> None:
    if not wrong:
        return
    first, *more = (f"{':'.join(map(str, places.of(each.at)))}: {each.summary}" for each in wrong)
    fix = wrong[0].fix if isinstance(wrong[0], NewerRegistry) else ""
    raise RegistryUnreadable(first, fix=fix, more=more) from wrong[0]
