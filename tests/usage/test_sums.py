from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from answered import NOON, ONE, OTHER, TWO, answer

from reconciler.model.errors import UsageError
from reconciler.model.moment import local_day, start_of_day, time_zone
from reconciler.model.usage import GroupBy
from reconciler.usage.period import Period, period
from reconciler.usage.sums import sum_up

ALWAYS = Period(0, 1 << 60)
HOUR, DAY = 3600, 86400


@contextmanager
def zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def test_each_kind_of_token_is_added_up_for_itself() -> None:
    found = sum_up([answer(input=1, cache_read=2, cache_write=3, output=4)] * 2, [GroupBy.AGENT], ALWAYS, None)
    (group,) = found.groups
    assert (group.input, group.cache_read, group.cache_write, group.output, group.total) == (2, 4, 6, 8, 20)
    assert (group.answers, found.total.total, found.others) == (2, 20, 0)


def test_what_is_nobodys_is_in_no_sum() -> None:
    found = sum_up([answer(None, output=7), answer(output=1)], [GroupBy.AGENT], ALWAYS, None)
    assert (found.total.total, found.others) == (1, 7)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ([GroupBy.AGENT], [("agent.api.one",), ("agent.lab.one",), ("agent.lab.two",)]),
        ([GroupBy.WORKSPACE], [("api",), ("lab",)]),
        ([GroupBy.TYPE], [("claude",), ("codex",)]),
        ([GroupBy.MODEL], [("m",), ("n",)]),
        ([GroupBy.WORKSPACE, GroupBy.MODEL], [("api", "n"), ("lab", "m")]),
    ],
)
def test_groups_are_what_they_are_asked_to_be(by: list[GroupBy], names: list[tuple[str, ...]]) -> None:
    found = sum_up([answer(ONE), answer(TWO), answer(OTHER, "codex", model="n")], by, ALWAYS, None)
    assert [tuple(getattr(each, name.value) for name in by) for each in found.groups] == names
    assert sum(each.total for each in found.groups) == found.total.total == 30


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("UTC", {"2026-11-30": 2}),
        ("Asia/Tokyo", {"2026-11-30": 1, "2026-12-01": 1}),
        ("Asia/Kathmandu", {"2026-11-30": 1, "2026-12-01": 1}),
        ("America/Los_Angeles", {"2026-11-30": 2}),
        ("Pacific/Kiritimati", {"2026-12-01": 2}),
    ],
)
def test_days_are_those_of_the_local_clock(name: str, days: dict[str, int]) -> None:
    with zone(name):
        found = sum_up([answer(at=NOON), answer(at=NOON + 7 * HOUR)], [GroupBy.DAY], ALWAYS, None)
    assert {each.day: each.answers for each in found.groups} == days


def test_a_day_of_25_hours_is_one_day() -> None:
    with zone("Europe/Berlin"):
        begin, end = start_of_day("2026-10-25"), start_of_day("2026-10-26")
        assert begin is not None
        assert end is not None
        assert end - begin == 25 * HOUR
        assert {local_day(begin), local_day(end - 1)} == {"2026-10-25"}
        assert time_zone(begin) == "CEST, UTC+02:00"


def test_a_time_in_the_period_counts_and_its_end_does_not() -> None:
    times = [NOON - 1, NOON, NOON + 9, NOON + 10]
    found = sum_up([answer(at=at) for at in times], [], Period(NOON, NOON + 10), None)
    assert found.total.answers == 2


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("7d", "", (NOON - 7 * DAY, NOON + 1)),
        ("24h", "1h", (NOON - DAY, NOON - HOUR)),
        ("2w", "", (NOON - 14 * DAY, NOON + 1)),
        ("1.5h", "", (NOON - 5400, NOON + 1)),
        ("all", "", (0, NOON + 1)),
        ("2026-11-29", "2026-11-29", (NOON - 36 * HOUR, NOON - 12 * HOUR)),
        ("99999d", "", (0, NOON + 1)),
    ],
)
def test_a_period_is_how_long_ago_or_whole_days(since: str, until: str, expected: tuple[int, int]) -> None:
    with zone("UTC"):
        found = period(since, until, NOON)
    assert (found.since, found.until) == expected


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("soon", "", "--since soon is not a time"),
        ("7", "", "--since 7 is not a time"),
        ("", "", "--since  is not a time"),
        ("2026-02-30", "", "--since 2026-02-30 is not a time"),
        ("7d", "-1d", "--until -1d is not a time"),
        ("7d", "9999-12-31", "--until 9999-12-31 is not a time"),
        ("1h", "2h", "--until 2h is not after --since 1h"),
        ("2026-12-24", "", "--until now is not after --since 2026-12-24"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(since: str, until: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        period(since, until, NOON)
