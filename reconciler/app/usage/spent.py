"""Find the budgets of a project that are used up today."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.agents.look import ProjectView
from reconciler.app.project.project import Project
from reconciler.app.usage.pricing import price_calculator
from reconciler.app.usage.stores import OpenedProject, stored_tokens
from reconciler.model.moment import local_day, start_of_day
from reconciler.model.usage import GroupBy
from reconciler.usage.budgets import ExceededBudget, Limit, exceeded, needs_prices
from reconciler.usage.counting import answers
from reconciler.usage.period import Period
from reconciler.usage.sums import sum_up


def used_up_by(at: Project, seen: ProjectView, wanted: Sequence[Limit]) -> tuple[ExceededBudget, ...]:
    """The given budgets that are used up today.

    Raises:
        ReconcilerError: A budget is in money, but no price list is installed.
    """
    now = at.now().timestamp()
    today = Period(start_of_day(local_day(now)) or 0, int(now) + 1)
    stored = stored_tokens([OpenedProject(at, seen)])
    book = price_calculator(stored.providers) if needs_prices(wanted) else None
    found = sum_up(answers(stored.files, stored.owners), [GroupBy.AGENT], today, book.price if book else None)
    return tuple(exceeded(wanted, found.groups))
