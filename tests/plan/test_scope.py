from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.address import Address, agent_address, broker_address, parse_address, workspace_address
from reconciler.model.broker import Broker
from reconciler.model.desired import Agent, Desired, Socket, Workspace
from reconciler.model.errors import UsageError
from reconciler.model.record import Record
from reconciler.plan.request import Request, scope_of
from reconciler.plan.scope import EVERYTHING, Scope, narrowed_to, to_end, without
from reconciler.state.rows import record_from

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


BROKER = broker_address("main")


def desired_with(**said: Any) -> Desired:
    around = {"project": "p", "socket": Socket(), "agent_types": {}, "digest": ""}
    return Desired(**{**around, "workspaces": {}, "agents": AGENTS, **said})


@pytest.mark.parametrize(
    ("request_", "summary", "fix"),
    [
        (Request(targets=(workspace_address("vv"),)), "there is no workspace.vv", "did you mean workspace.v or"),
        (Request(exclude=(workspace_address("z"),)), "there is no workspace.z", "did you mean workspace."),
        (Request(targets=(broker_address("x"),)), "there is no broker.x", "did you mean broker.main?"),
        (Request(replace=(V,)), "workspace.v is not an agent; --replace takes agents", "name each agent in it"),
        (Request(replace=(BROKER,)), "broker.main is not an agent; --replace takes agents", "to restart it"),
        (
            Request(imports={BROKER: "x y"}),
            "broker.main is not an agent; import takes agents",
            "reconciler import agent.WORKSPACE.NAME 'x y'",
        ),
        (Request(imports={V: "x"}), "workspace.v is not an agent; import takes agents", "reconciler import"),
    ],
)
def test_an_address_that_the_request_cannot_mean_is_refused(request_: Request, summary: str, fix: str) -> None:
    workspaces = {each: Workspace(each, "/v") for each in (V, W)}
    desired = desired_with(brokers={BROKER: Broker(BROKER, "/b")}, workspaces=workspaces)
    with pytest.raises(UsageError) as error:
        scope_of(request_, desired, Record())
    assert error.value.summary == summary
    assert error.value.fix.startswith(fix)


def test_a_workspace_that_only_the_registry_has_is_known() -> None:
    rows = {"old-creator-a": {"workspace": "old", "agent": "a", "status": "stopped"}}
    scope = scope_of(
        Request(targets=(workspace_address("old"),)), desired_with(agents={}), record_from({"sessions": rows})
    )
    assert scope.covers(agent_address("old", "a"))


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
