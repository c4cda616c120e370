from __future__ import annotations

from typing import Any

import pytest

from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.address import agent_address
from reconciler.model.desired import Desired
from reconciler.model.usage import UsageSum
from reconciler.usage.budgets import ExceededBudget, as_drift, exceeded, holding, limits, needs_prices

ONE, TWO, FAR = (agent_address(*names) for names in (("lab", "one"), ("lab", "two"), ("api", "one")))
MANIFEST = """
version: 1
budget: {usd_per_day: 20, on_exceed: hold}
workspaces:
  lab:
    path: lab
    budget: {tokens_per_day: 100}
    agents:
      one: {type: shell, budget: {tokens_per_day: 60, usd_per_day: 5.5, on_exceed: hold}}
      two: {type: shell}
  api: {path: api, agents: {one: {type: shell}}}
"""


@pytest.fixture(scope="module")
def desired() -> Desired:
    context = ManifestContext("/p", "/home/u", {}, "p")
    return load([Source("m.yaml", MANIFEST.encode())], context, frozenset({"shell"})).desired


def used(**tokens: Any) -> list[UsageSum]:
    money = tokens.pop("usd", 0.0)
    return [
        UsageSum(agent=f"agent.{name.replace('_', '.')}", output=count, usd=money) for name, count in tokens.items()
    ]


def names(found: list[ExceededBudget]) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.limit.owner, each.reached) for each in found]


def test_the_budgets_are_those_of_agents_workspaces_and_the_project(desired: Desired) -> None:
    found = limits(desired)
    assert [(each.owner, each.session) for each in found] == [
        ("agent.lab.one", "lab-creator-one"),
        ("workspace.lab", ""),
        ("the project", ""),
    ]
    assert needs_prices(found)
    assert not needs_prices(found[1:2])


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (used(lab_one=59, lab_two=40), []),
        (used(lab_one=60), [("agent.lab.one", ("60 tokens",))]),
        (used(lab_one=50, lab_two=50), [("workspace.lab", ("100 tokens",))]),
        (used(api_one=10**15), []),
        (used(lab_one=1, usd=5.5), [("agent.lab.one", ("5.50 US dollars",))]),
        (used(lab_one=60, usd=6), [("agent.lab.one", ("60 tokens", "5.50 US dollars"))]),
        (used(lab_two=1, api_one=1, usd=10), [("the project", ("20.00 US dollars",))]),
        ([], []),
    ],
)
def test_a_budget_is_used_up_from_its_last_token_on(
    desired: Desired, tokens: list[UsageSum], expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert names(list(exceeded(limits(desired), tokens))) == expected


def test_only_budgets_that_hold_keep_prompts_from_those_that_they_cover(desired: Desired) -> None:
    assert [[each.owner for each in holding(desired, agent)] for agent in (ONE, TWO, FAR)] == [
        ["agent.lab.one", "the project"],
        ["the project"],
        ["the project"],
    ]


def test_what_the_monitor_says_stays_the_same_while_more_is_used(desired: Desired) -> None:
    (first,) = exceeded(limits(desired)[:1], used(lab_one=60))
    (later,) = exceeded(limits(desired)[:1], used(lab_one=61))
    told = as_drift(first, "2026-11-30")
    assert as_drift(later, "2026-11-30") == told
    assert told.message == (
        "the budget of agent.lab.one for 2026-11-30 is used up: 60 tokens. No new prompts are sent until midnight."
    )
    assert (told.kind, told.session, told.address) == ("M", "lab-creator-one", ONE)
    assert as_drift(first, "2026-12-01").message != told.message


def test_agents_can_share_a_default() -> None:
    text = "version: 1\ndefaults: {agent: {type: shell, budget: {tokens_per_day: 9}}}\n"
    text += "workspaces: {lab: {path: lab, agents: {one: {}, two: {}}}}\n"
    context = ManifestContext("/p", "/home/u", {}, "p")
    loaded = load([Source("m.yaml", text.encode())], context, frozenset({"shell"})).desired
    assert [each.budget.tokens_per_day for each in limits(loaded)] == [9, 9]
