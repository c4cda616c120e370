"""A registry of an older shape: as values, with what was assumed. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import Record

from .elsewhere import ids_elsewhere, unclaimed
from .older import Older, as_today
from .places import Places
from .rows import Fields, WrongShape, record_from
from .session_names import KnownNames


def read_older(data: Fields, text: str, declared: Callable[[], KnownNames] | None) -> tuple[Record, Older]:
    """What `data`, which `text` says, means, and how it differs from today's shape.

    Raises:
        RegistryUnreadable: Something in it is damaged; says everything that is, each with line and column.
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


def only_ids_elsewhere(data: Fields, record: Record) -> Older | None:
    """How a registry differs from today's shape whose rows all have it; None when it does not."""
    older = _with_ids(Older(data=data, base=data), record)
    return older if older.taken or older.left else None


def _with_ids(older: Older, record: Record) -> Older:
    taken = (taken for each in ids_elsewhere(record) for taken in each.taken)
    return replace(older, taken=(*older.taken, *taken), left=(*older.left, *unclaimed(record)))


def _refuse(wrong: tuple[WrongShape, ...], places: Places) -> None:
    if not wrong:
        return
    first, *more = (f"{':'.join(map(str, places.of(each.at)))}: {each.summary}" for each in wrong)
    raise RegistryUnreadable(first, more=more) from wrong[0]
