"""Points in time as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.model.moment import for_file_name, from_unix, parse_zoned, read, to_day, to_millisecond, to_second, unix

NOON = datetime(2026, 6, 25, 14, 0, 7, 123456, timezone(timedelta(hours=2)))


def test_a_moment_is_written_in_utc_wherever_it_was_measured() -> None:
    assert to_second(NOON) == "2026-06-25T12:00:07Z"
    assert to_millisecond(NOON) == "2026-06-25T12:00:07.123Z"
    assert to_day(NOON) == "2026-06-25"
    assert for_file_name(NOON) == "20260625T120007Z"


@pytest.mark.parametrize("seconds", [0, 1_750_000_000])
def test_unix_seconds_come_back(seconds: int) -> None:
    assert unix(from_unix(seconds)) == seconds


def test_a_time_of_other_tools_is_in_utc_where_it_tells_no_zone() -> None:
    assert read("2026-06-25T12:00:07") == datetime(2026, 6, 25, 12, 0, 7, tzinfo=UTC)
    assert read("2026-06-25T14:00:07.123456+02:00") == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_nothing(text: str) -> None:
    assert (read(text), unix(text)) == (None, None)


@pytest.mark.parametrize("text", ["2026-06-25T12:00:07", "yesterday"])
def test_a_time_of_ours_has_its_zone(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_zoned(text)
