"""Points in time as text: ISO 8601, in UTC, with a Z at the end. All time formats are in this file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def to_second(moment: datetime) -> str:
    """The format of the registry and the documents: `2026-06-25T03:19:24Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_millisecond(moment: datetime) -> str:
    """The format of events and job records: `2026-06-25T03:19:24.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_day(moment: datetime) -> str:
    """The format of messages about certificates: `2026-06-25`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def for_file_name(moment: datetime) -> str:
    """The format of file names: `20260625T031924Z`."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def from_unix(seconds: float) -> str:
    """Unix seconds in the format of the registry."""
    return to_second(datetime.fromtimestamp(seconds, UTC))


def parse_zoned(text: str) -> datetime:
    """The time that a text with a time zone spells. Raises ValueError for any other text."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def read(text: str) -> datetime | None:
    """A time that a person or another tool wrote, in UTC if it has no zone; None when it is not a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def unix(text: str) -> float | None:
    """The same in Unix seconds; None when it is not a time, or outside the range of this system."""
    found = read(text)
    try:
        return found.timestamp() if found else None
    except (OverflowError, OSError):
        return None


def local_day(seconds: float) -> str:
    """The day of Unix seconds in local time: `2026-06-25`."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d")


def start_of_day(day: str) -> int | None:
    """The Unix seconds at which `2026-06-25` begins in local time; None when it is not a day."""
    return _midnight(day, 0)


def day_after(day: str) -> int | None:
    """The Unix seconds at which the day after `2026-06-25` begins in local time; None when it is not a day."""
    return _midnight(day, 1)


def _midnight(day: str, days: int) -> int | None:
    try:
        return int((datetime.fromisoformat(day) + timedelta(days=days)).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def time_zone(seconds: float) -> str:
    """The local time zone at that time, for the user: `CET, UTC+01:00`."""
    found = datetime.fromtimestamp(seconds, UTC).astimezone()
    return f"{found.tzname()}, UTC{found.isoformat()[-6:]}"
