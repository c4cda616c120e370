"""Points in time as text: ISO 8601, in UTC, with a Z at the end. No other module spells a format."""

from __future__ import annotations

from datetime import UTC, datetime


def to_second(moment: datetime) -> str:
    """As the registry and the documents carry it: `2026-06-25T03:19:24Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_millisecond(moment: datetime) -> str:
    """As events and job records carry it: `2026-06-25T03:19:24.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_day(moment: datetime) -> str:
    """As people are told of certificates: `2026-06-25`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def for_file_name(moment: datetime) -> str:
    """As names of files have it: `20260625T031924Z`."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def from_unix(seconds: float) -> str:
    """Unix seconds as the registry carries them."""
    return to_second(datetime.fromtimestamp(seconds, UTC))


def zoned(text: str) -> datetime:
    """A time with its zone. Raises ValueError for anything else."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def read(text: str) -> datetime | None:
    """A time that people and other tools may have written: UTC where it tells no zone; None when it is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def unix(text: str) -> float | None:
    """The same in Unix seconds; None when it is no time, or one that this system cannot count."""
    found = read(text)
    try:
        return found.timestamp() if found else None
    except (OverflowError, OSError):
        return None
