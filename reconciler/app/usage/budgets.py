"""Find out which budgets of a project are used up today, and refuse new prompts if a budget says so."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.desired import Desired
from reconciler.model.errors import Refused
from reconciler.usage.budgets import ExceededBudget, Limit, holding


def used_up(at: Project, seen: ProjectView, wanted: Sequence[Limit]) -> tuple[ExceededBudget, ...]:
    """The given budgets that are used up today.

    Raises:
        ReconcilerError: A budget is in money, but no price list is installed.
    """
    from reconciler.app.usage.spent import used_up_by  # few projects have a budget, and this loads many modules

    return used_up_by(at, seen, wanted)


def refuse_over_budget(at: Project, desired: Desired, agent: Address) -> None:
    """Check that no budget with `on_exceed: hold` forbids a new prompt to the agent.

    Raises:
        Refused: Such a budget is used up.
        ReconcilerError: A budget is in money, but no price list is installed.
    """
    wanted = holding(desired, agent)
    if not wanted:
        return
    found = used_up(at, look(at), wanted)
    if found:
        raise _refusal(found[0], agent)


def _refusal(found: ExceededBudget, agent: Address) -> Refused:
    budget, limit = found.limit.budget, found.limit
    money = f", {found.usd:,.2f} US dollars" if budget.usd_per_day is not None else ""
    return Refused(
        f"{agent} gets no new prompt: the budget of {limit.owner} for today is used up ({' and '.join(found.reached)})",
        detail=f"used today: {found.tokens:,} tokens{money}",
        fix=f"wait until midnight, raise the budget at {budget.place}, or pass --over-budget",
    )
