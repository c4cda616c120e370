"""The budgets of a project: which are used up today, and whether that keeps a prompt from an agent."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.desired import Desired
from reconciler.model.errors import Refused
from reconciler.usage.budgets import Exceeded, Limit, holding


def used_up(at: Project, seen: ProjectView, wanted: Sequence[Limit]) -> tuple[Exceeded, ...]:
    """Those of the budgets that the agents of a project have used up today.

    Raises:
        ReconcilerError: One is in money, and no price list is installed.
    """
    from reconciler.app.usage.spent import used_up_by  # few projects have a budget, and this loads many modules

    return used_up_by(at, seen, wanted)


def refuse_over_budget(at: Project, desired: Desired, agent: Address) -> None:
    """Check that no budget with `on_exceed: hold` keeps a new prompt from the agent.

    Raises:
        Refused: One is used up.
        ReconcilerError: One is in money, and no price list is installed.
    """
    wanted = holding(desired, agent)
    if not wanted:
        return
    found = used_up(at, look(at), wanted)
    if found:
        raise _refusal(found[0], agent)


def _refusal(found: Exceeded, agent: Address) -> Refused:
    budget, limit = found.limit.budget, found.limit
    money = f", {found.usd:,.2f} US dollars" if budget.usd_per_day is not None else ""
    return Refused(
        f"{agent} gets no new prompt: the budget of {limit.called} for today is used up"
        f" ({' and '.join(found.reached)})",
        detail=f"used today: {found.tokens:,} tokens{money}",
        fix=f"wait until midnight, raise the budget at {budget.place}, or pass --over-budget",
    )
