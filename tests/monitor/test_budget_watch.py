"""Budgets in the monitor: the stores are read once a minute, and what was used up stays so for the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.app.agents.look import ProjectView
from reconciler.app.monitor import budgets
from reconciler.app.monitor.budgets import BudgetWatch
from reconciler.model.desired import Budget, Desired, Socket
from reconciler.model.errors import ReconcilerError
from reconciler.usage.budgets import ExceededBudget, Limit

BUDGET = Budget(tokens_per_day=5)
USED_UP = ExceededBudget(Limit(BUDGET), 9, 0.0, ("5 tokens",))


class Day:
    """A project whose clock is set by hand, and the answers of the stores, one a look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.looks = 0
        self.found: tuple[ExceededBudget, ...] | ReconcilerError = ()
        monkeypatch.setattr(budgets, "used_up", self._used_up)
        clock = SimpleNamespace(monotonic=lambda: self.seconds)
        self.watch = BudgetWatch(cast("Any", SimpleNamespace(clock=clock, now=self._now)))

    def _now(self) -> datetime:
        return datetime(2026, 11, 30, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def _used_up(self, *_asked: object) -> tuple[ExceededBudget, ...]:
        self.looks += 1
        if isinstance(self.found, ReconcilerError):
            raise self.found
        return self.found

    def told(self, budget: Budget | None = BUDGET) -> tuple[list[str], list[str]]:
        desired = Desired("p", Socket(), {}, {}, {}, "", budget=budget)
        drifts, trouble = self.watch.look(cast("ProjectView", SimpleNamespace(desired=desired)))
        return [each.message for each in drifts], [each.summary for each in trouble]


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return Day(monkeypatch)


def test_without_a_budget_nothing_is_read(day: Day) -> None:
    assert day.told(None) == ([], [])
    assert day.looks == 0


def test_the_stores_are_read_once_a_minute_and_at_once_when_the_budget_changes(day: Day) -> None:
    for day.seconds in (0, 10, 59, 60, 61):
        day.told()
    assert day.looks == 2
    day.told(Budget(tokens_per_day=6))
    assert day.looks == 3


def test_what_was_used_up_stays_so_when_a_store_cannot_be_read_any_more(day: Day) -> None:
    day.found = (USED_UP,)
    first = day.told()
    assert "the budget of the project for 2026-11-30 is used up" in first[0][0]
    day.seconds, day.found = 60, ()
    assert day.told() == first
    day.seconds, day.found = 120, ReconcilerError("the price list is not installed")
    assert day.told() == (first[0], ["budgets are not watched: the price list is not installed"])


def test_the_next_day_begins_anew(day: Day) -> None:
    day.found = (USED_UP,)
    day.told()
    day.seconds, day.found = 86400, ()
    assert day.told() == ([], [])
