"""Add up what answers used, by group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.moment import local_day
from reconciler.model.usage import GroupBy, UsageSum

from .counting import CountedAnswer
from .period import Period

_QUARTER = 900  # seconds: no time zone changes its day within one
_Key: TypeAlias = tuple[str, str, str, str, str, str]
Price: TypeAlias = Callable[[CountedAnswer], float | None]
"""The price of an answer in US dollars; None if it is not known."""


class UsageSums(Struct, frozen=True):
    """The sums of each group, the total, and the tokens of conversations that belong to no agent."""

    groups: tuple[UsageSum, ...]
    total: UsageSum
    others: int


def sum_up(found: Iterable[CountedAnswer], by: Sequence[GroupBy], period: Period, price: Price | None) -> UsageSums:
    """Add up the answers in the period. The groups are sorted by name."""
    groups: dict[_Key, UsageSum] = {}
    total, others, name = UsageSum(), 0, _namer(by)
    for answer in found:
        if not period.since <= answer.row.at < period.until:
            continue
        if answer.owner is None:
            others += answer.row.total
            continue
        key = name(answer)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _empty_sum(key)
        cost = price(answer) if price else None
        _add(group, answer, cost)
        _add(total, answer, cost)
    return UsageSums(tuple(groups[key] for key in sorted(groups)), total, others)


def _namer(by: Sequence[GroupBy]) -> Callable[[CountedAnswer], _Key]:
    """A function that returns the key of an answer's group; parts that are not grouped by are empty."""
    agent, workspace = GroupBy.AGENT in by, GroupBy.AGENT in by or GroupBy.WORKSPACE in by
    type_, model, day = GroupBy.TYPE in by, GroupBy.MODEL in by, GroupBy.DAY in by
    days: dict[int, str] = {}

    def name(answer: CountedAnswer) -> _Key:
        owner, at = answer.owner, answer.row.at
        return (
            owner.project if owner and workspace else "",
            str(owner.address) if owner and agent else "",
            owner.address.workspace if owner and workspace else "",
            answer.type if type_ else "",
            answer.row.model if model else "",
            _day(at, days) if day else "",
        )

    return name


def _empty_sum(key: _Key) -> UsageSum:
    project, agent, workspace, type_, model, day = key
    return UsageSum(project=project, agent=agent, workspace=workspace, type=type_, model=model, day=day)


def _day(at: int, days: dict[int, str]) -> str:
    quarter = at // _QUARTER
    if quarter not in days:
        days[quarter] = local_day(at)
    return days[quarter]


def _add(group: UsageSum, answer: CountedAnswer, cost: float | None) -> None:
    row = answer.row
    group.answers += 1
    group.input += row.input
    group.cache_read += row.cache_read
    group.cache_write += row.cache_write
    group.output += row.output
    group.usd += cost or 0.0
    group.unpriced += row.total if cost is None else 0
