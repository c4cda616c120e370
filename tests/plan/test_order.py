from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address, agent_address, workspace_address
from reconciler.plan.order import ordered


def _agent(number: int, needs: tuple[Address, ...] = ()) -> Action:
    return Action(agent_address("w", f"a{number:05}"), Verb.CREATE, needs=needs)


@st.composite
def _graphs(draw: st.DrawFn) -> list[Action]:
    """Actions whose needs point to earlier numbers only, under names that are shuffled."""
    names = draw(st.permutations(range(8)))
    edges = [draw(st.sets(st.sampled_from(names[:at]), max_size=3)) if at else set() for at in range(8)]
    actions = [
        _agent(name, tuple(_agent(need).address for need in needs)) for name, needs in zip(names, edges, strict=True)
    ]
    return draw(st.permutations(actions))


@given(_graphs())
def test_every_action_comes_after_what_it_needs(actions: list[Action]) -> None:
    places = {action.address: at for at, action in enumerate(ordered(actions))}
    assert len(places) == len(actions)
    assert all(places[need] < places[action.address] for action in actions for need in action.needs)


@given(_graphs(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_input(actions: list[Action], random: object) -> None:
    shuffled = list(actions)
    random.shuffle(shuffled)
    assert ordered(shuffled) == ordered(actions)


@given(_graphs())
def test_endings_go_the_other_way_and_between_the_folders(actions: list[Action]) -> None:
    ending = [replace(action, verb=Verb.DELETE) for action in actions]
    made, removed = Action(workspace_address("z"), Verb.CREATE), Action(workspace_address("a"), Verb.DELETE)
    plan = ordered([removed, *ending, made])
    places = {action.address: at for at, action in enumerate(plan)}
    assert (plan[0], plan[-1]) == (made, removed)
    assert all(places[need] > places[action.address] for action in ending for need in action.needs)


def test_without_needs_workspaces_come_first_and_then_addresses() -> None:
    workspace = Action(workspace_address("z"), Verb.CREATE)
    actions = [_agent(2), _agent(1), workspace]
    assert [str(action.address) for action in ordered(actions)] == ["workspace.z", "agent.w.a00001", "agent.w.a00002"]


def test_a_need_that_is_not_in_the_plan_is_passed_over() -> None:
    action = _agent(1, (agent_address("w", "elsewhere"),))
    assert ordered([action]) == (action,)


def test_a_chain_may_be_longer_than_the_stack_is_deep() -> None:
    length = 20_000
    chain = [_agent(n, (_agent(n + 1).address,) if n < length else ()) for n in range(length + 1)]
    assert ordered(chain) == tuple(reversed(chain))
