from __future__ import annotations

import pytest

from reconciler.model.address import Address, agent_address, parse_address, workspace_address
from reconciler.model.desired import Agent
from reconciler.plan.scope import EVERYTHING, Scope, narrowed_to, to_end, without

A, B, C, D = (agent_address(*place) for place in ("va", "vb", "wc", "wd"))
V, W = workspace_address("v"), workspace_address("w")
NEEDS = {A: (), B: (A,), C: (B,), D: ()}  # C, in the workspace w, needs B and through it A, in v
AGENTS = {address: Agent(address, "", "", "", "", depends_on=needs) for address, needs in NEEDS.items()}
ALL = (*AGENTS, V, W)


def _covered(scope: Scope) -> set[str]:
    return {_short(address) for address in ALL if scope.covers(address)}


def _short(address: Address) -> str:
    return address.agent or address.workspace


def _named(*names: str) -> list[Address]:
    return [address for name in names for address in ALL if _short(address) == name]


def test_without_options_everything_is_covered() -> None:
    assert _covered(EVERYTHING) == {"a", "b", "c", "d", "v", "w"}


@pytest.mark.parametrize(
    ("targets", "covered"),
    [
        (["a"], "av"),
        (["b"], "abv"),
        (["c"], "abcvw"),
        (["d"], "dw"),
        (["v"], "abv"),
        (["w"], "abcdvw"),
        (["d", "a"], "advw"),
    ],
)
def test_a_target_brings_what_it_needs_and_nothing_else(targets: list[str], covered: str) -> None:
    assert _covered(narrowed_to(_named(*targets), AGENTS)) == set(covered)


@pytest.mark.parametrize(
    ("excluded", "covered"),
    [(["a"], "dvw"), (["b"], "advw"), (["c"], "abdvw"), (["d"], "abcvw"), (["v"], "dw"), (["w"], "abv")],
)
def test_what_needs_the_excluded_is_left_out_too(excluded: list[str], covered: str) -> None:
    assert _covered(without(_named(*excluded), AGENTS)) == set(covered)


@pytest.mark.parametrize(("targets", "covered"), [(["a"], "a"), (["c"], "c"), (["v"], "abv")])
def test_to_end_a_target_nothing_that_it_needs_must_end(targets: list[str], covered: str) -> None:
    assert _covered(to_end(narrowed_to(_named(*targets), AGENTS), AGENTS)) == set(covered)


@pytest.mark.parametrize(("excluded", "covered"), [(["c"], "dvw"), (["d"], "abcvw")])
def test_what_an_excluded_agent_needs_does_not_end(excluded: list[str], covered: str) -> None:
    assert _covered(to_end(without(_named(*excluded), AGENTS), AGENTS)) == set(covered)


def test_an_address_that_nobody_declares_can_be_a_target() -> None:
    gone = parse_address("agent.w.gone")
    assert gone is not None
    scope = narrowed_to([gone], AGENTS)
    assert scope.covers(gone)
    assert not scope.covers(D)
