"""Compare what agents used today with the budgets in the manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.model.address import Address, parse_address
from reconciler.model.desired import Budget, Desired, OnExceed
from reconciler.model.drift_class import DriftClass
from reconciler.model.plan import Drift
from reconciler.model.usage import UsageSum


class Limit(Struct, frozen=True):
    """A budget and its owner: an agent, a workspace, or, without an address, the whole project."""

    budget: Budget
    address: Address | None = None
    # The session of an agent; empty for other owners.
    session: str = ""

    @property
    def owner(self) -> str:
        """The owner's name in messages."""
        return str(self.address) if self.address else "the project"

    def covers(self, agent: Address) -> bool:
        """Whether tokens of this agent count against the budget."""
        if self.address is None or self.address == agent:
            return True
        return self.address.kind == "workspace" and self.address.workspace == agent.workspace


class ExceededBudget(Struct, frozen=True):
    """A budget that is used up: what was used, and which limits were reached."""

    limit: Limit
    tokens: int
    usd: float
    # Each limit that was reached, in words.
    reached: tuple[str, ...]


def limits(desired: Desired) -> tuple[Limit, ...]:
    """All budgets of the manifests."""
    agents = (Limit(each.budget, each.address, each.session) for each in desired.agents.values() if each.budget)
    homes = (Limit(each.budget, each.address) for each in desired.workspaces.values() if each.budget)
    whole = (Limit(desired.budget),) if desired.budget else ()
    return (*agents, *homes, *whole)


def holding(desired: Desired, agent: Address) -> tuple[Limit, ...]:
    """The budgets that can stop new prompts to an agent."""
    return tuple(each for each in limits(desired) if each.budget.on_exceed is OnExceed.HOLD and each.covers(agent))


def needs_prices(wanted: Iterable[Limit]) -> bool:
    """Whether one of the budgets is in money."""
    return any(each.budget.usd_per_day is not None for each in wanted)


def exceeded(wanted: Iterable[Limit], agents: Sequence[UsageSum]) -> Iterator[ExceededBudget]:
    """The budgets that are used up. `agents` are the sums of each agent for today."""
    for limit in wanted:
        covered = [each for each in agents if (address := parse_address(each.agent)) and limit.covers(address)]
        tokens, usd = sum(each.total for each in covered), sum(each.usd for each in covered)
        reached = tuple(_reached(limit.budget, tokens, usd))
        if reached:
            yield ExceededBudget(limit, tokens, usd, reached)


def _reached(budget: Budget, tokens: int, usd: float) -> Iterator[str]:
    if budget.tokens_per_day is not None and tokens >= budget.tokens_per_day:
        yield f"{budget.tokens_per_day:,} tokens"
    if budget.usd_per_day is not None and usd >= budget.usd_per_day:
        yield f"{budget.usd_per_day:,.2f} US dollars"


def as_drift(found: ExceededBudget, day: str) -> Drift:
    """The drift that the monitor reports. It contains no growing number, so each limit is reported once a day."""
    limit = found.limit
    held = " No new prompts are sent until midnight." if limit.budget.on_exceed is OnExceed.HOLD else ""
    return Drift(
        kind=DriftClass.BUDGET_USED,
        session=limit.session,
        address=limit.address,
        message=f"the budget of {limit.owner} for {day} is used up: {' and '.join(found.reached)}.{held}",
        before=None,
        after=day,
        path="budget",
    )
